package playbooks

import "steward/configs/strictyaml"

// PlaybookSchema describes a playbook's document for editors, from the
// declarations that read it; gaps are keys without a description.
func PlaybookSchema() (schema *strictyaml.Schema, gaps []string) {
	return strictyaml.SchemaOf(document{}, "Steward playbook", "playbooks/*.yaml: when a play opens, for whom, and its steps.")
}

// MessageSchema describes the front matter of a message.
func MessageSchema() (schema *strictyaml.Schema, gaps []string) {
	return strictyaml.SchemaOf(frontMatter{}, "Steward message", "The lines between --- at the head of messages/*.md.")
}
