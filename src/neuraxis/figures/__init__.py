"""figures: pictures of what tables hold."""
