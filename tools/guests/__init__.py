"""Generator of the guest avatars: stylised people as Gaussians on the open head."""
