package playbooks

// ElsewhereKeys are what people look for in a playbook and find in steward.yaml,
// in a step or in another playbook.
func (document) ElsewhereKeys() map[string]string {
	const workspace = " stands in steward.yaml, for all playbooks together"
	return map[string]string{
		"inhibits":      "the playbook that gives way says so: inhibited_by: [this one] in its own file",
		"blocks":        "the playbook that gives way says so: inhibited_by: [this one] in its own file",
		"hold":          "hold:" + workspace + ", by the purpose of the mail that it holds",
		"limits":        "limits:" + workspace,
		"working_hours": "working_hours:" + workspace,
		"owner":         "a step says who hears: slack: owner",
		"message":       "a step says something: steps: [{id: …, slack: owner, message: …}]",
		"slack":         "a step says something: steps: [{id: …, slack: owner, message: …}]",
		"email":         "a step says something: steps: [{id: …, email: [champion], message: …}]",
		"remind":        "a step is said again: {id: …, slack: owner, message: …, remind: every 7d}",
	}
}

// ElsewhereKeys are what people look for in a step.
func (stepDocument) ElsewhereKeys() map[string]string {
	const words = "the words stand in a file of their own: write messages/NAME.md, and message: NAME here"
	return map[string]string{
		"text":    words,
		"body":    words,
		"subject": "the subject stands in the message's file, above its text between two lines ---",
		"to":      "say by what it goes and to whom: slack: owner, email: [champion] or task: owner",
		"delay":   "a wait is a step of its own: - wait: 3d",
		"after":   "a wait is a step of its own, before this one: - wait: 3d",
	}
}
