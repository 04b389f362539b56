package playbooks

import "steward"

// Lints is the advice that reading playbooks and messages gives.
func Lints() []steward.Lint {
	return []steward.Lint{
		{Name: "acked-too-early", Means: "A step asks whether the card was taken before any step could have sent one, so it is left out, or its wait runs to the end.",
			Do: "Put the step that sends the card first, or ask something else."},
		{Name: "approval-by-default", Means: "A mail to a customer says neither approve nor unattended, so it waits for the owner's approval.",
			Do: "Write approve: owner to say so, or unattended: true to send without asking."},
		{Name: "blind-drop", Means: "A signal looks for nothing but a drop or change against the window right before. It goes blind after two windows of silence: from zero to zero is no change.",
			Do: "Add or quiet_days(…) >= 14d to when."},
		{Name: "blind-second-mail", Means: "A second mail goes to the customer by itself, and nothing since the first looks for an answer to it.",
			Do: "Ask for approval, as the owner knows whether there was an answer, or add if: engaged('champion', 14d) == 0."},
		{Name: "constant-condition", Means: "A condition reads nothing, so it is the same for every subject on every day.",
			Do: "Remove it, or write what was meant."},
		{Name: "expires-first", Means: "A mail that goes out unless somebody stops it expires before their time to do so is over, so it never goes out.",
			Do: "Raise expires above the time after veto."},
		{Name: "hurried-escalation", Means: "The manager hears right after the owner, with no wait between them in which the owner could have acted.",
			Do: "Put a wait before the step, such as {wait: 2 business days, unless: acked}, or give it an if."},
		{Name: "idle-wait", Means: "The last step waits for nothing.", Do: "Remove it, or add the step that should follow."},
		{Name: "no-cooldown", Means: "Without a cooldown a subject that flaps is enrolled again at once.", Do: "Add cooldown: 30d, or cooldown: 0 to say you mean it."},
		{Name: "no-until", Means: "Without until an episode ends the moment its condition fails, and may begin again the next day.",
			Do: "Add until: with a bar that is clearly past the trouble."},
		{Name: "role-equality", Means: "A condition about people compares role with ==, and whoever has several roles has them all in it: champion, admin.",
			Do: "Write role contains 'champion'."},
		{Name: "uneven-week", Means: "A window is compared with one that has other weekdays in it, so that a weekend looks like a change.",
			Do: "Use whole weeks: 7d, 14d, 28d."},
		{Name: "unreachable-step", Means: "A step can never be carried out, as what it asks for never holds.", Do: "Remove the step, or its condition."},
		{Name: "empty-audience", Data: true, Means: "Nobody is in the audience of a playbook, of all who were imported.", Do: "Ask steward explain what each part of the audience came to for an account that you expected."},
		{Name: "empty-field", Data: true, Means: "A condition reads a field that is not known of anybody, so it is unknown.", Do: "Map the field's column in a source."},
		{Name: "empty-metric", Data: true, Means: "A condition reads a metric that was never imported, so it is unknown.", Do: "Name the metric's column in a source."},
		{Name: "empty-portfolio", Data: true, Means: "None of the accounts is in the portfolio, so nothing happens for anybody.", Do: "Say in portfolio.include which accounts Steward acts on."},
		{Name: "unheld-role", Data: true, Means: "A step or condition names a role that nobody has.", Do: "Write the role as the source of contacts does."},
		{Name: "unknown-answer", Data: true, Means: "What a function asks is not known of anybody, such as tickets('open') where no source has tickets.", Do: "Add the file that tells it to a source, or ask for something else."},
		{Name: "unknown-priority", Data: true, Means: "The priority is not known of anybody, so nobody comes first.", Do: "Write a number that is known, such as arr ?? 0."},
		{Name: "unreached-milestone", Data: true, Means: "A condition asks for a milestone that nobody has reached.", Do: "Map a file of milestones in a source, or give the milestone a condition in journey."},
		{Name: "unseen-value", Data: true, Means: "A text is compared with a field, and no subject has it there; capitals count.", Do: "Write the value as the source does."},
		{Name: "thin-translation", Means: "A translation of a message leaves out what the message reads from the data.", Do: "Say the same in both, or accept it with a reason."},
		{Name: "unserved-locale", Data: true, Means: "People read a language that a message with translations is not in, so they get the text that everybody gets.", Do: "Write messages/NAME.LANGUAGE.md, or accept it."},
		{Name: "untold-mail", Means: "A mail goes out by itself once its account's owner was told of it in Slack, and the workspace has no Slack: so it never does.",
			Do: "Set up Slack, or write approve: owner."},
		{Name: "unused-message", Means: "No playbook sends this message.", Do: "Name it in a step, or remove the file."},
	}
}
