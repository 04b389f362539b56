package notify

// PlainWording is wording as plain text, as the plain part of a mail has it.
func PlainWording(markdown string) string { return parseMarkdown(markdown).plain() }
