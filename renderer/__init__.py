"""Head model, Gaussian avatars and the splat renderer. No network, no asyncio."""
