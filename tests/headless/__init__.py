"""A site of chat and procedures alone: no page, no administration, no template to draw."""
