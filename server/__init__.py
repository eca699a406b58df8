"""The meeting server: pages, rooms, signaling relay. It never sees media or avatars."""
