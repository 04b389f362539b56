package playbooks

import (
	"regexp"

	"steward"
)

// lint tells what loads but is probably not meant.
func (l *loader) lint(r *reader, p *Playbook) {
	if l.stored {
		return
	}
	warn := func(line int, name, message, hint string) {
		pos := r.doc.Pos
		if line > 0 {
			pos.Line = line
		}
		problem := pos.Problem(r.src.file, r.src.about, 1, message, hint, r.src.text)
		problem.Lint = name
		l.problems = append(l.problems, problem)
	}
	if p.Kind == Signal {
		if dropCall.MatchString(p.When.Canonical()) && !quietCall.MatchString(p.When.Canonical()) {
			warn(r.doc.When.Pos.Line, "blind-drop", "a drop goes blind after two windows of silence: from zero to zero is no change",
				"add `or quiet_days(…) >= 14d` to `when`")
		}
		if p.Until == nil {
			warn(0, "no-until", "without `until` the episode ends the moment `when` fails, and may begin again the next day", "add until: with a bar that is clearly past the trouble")
		}
	}
	if r.doc.Cooldown == nil {
		warn(0, "no-cooldown", "without `cooldown` a subject that flaps is enrolled again at once", "add cooldown: 30d, or cooldown: 0 to say you mean it")
	}
	mails := 0
	for i, s := range p.Steps {
		d := r.doc.Steps[i]
		if len(s.Email) == 0 {
			continue
		}
		if mails++; mails == 2 {
			warn(s.Line, "blind-second-mail", "a second mail goes out although nothing in this version notices a reply to the first", "ask for approval, as the owner knows whether there was an answer, or leave it out")
		}
		if d.Approve.Pos.IsZero() && !d.Unattended {
			warn(s.Line, "approval-by-default", "the mail says neither approve nor unattended, so it waits for the owner's approval", "write approve: owner to say so, or unattended: true to send it without asking")
		}
	}
	if n := len(p.Steps); n > 0 && !p.Steps[n-1].Wait.IsZero() {
		warn(p.Steps[n-1].Line, "idle-wait", "the last step waits for nothing", "remove it, or add the step that should follow")
	}
}

var (
	dropCall  = regexp.MustCompile(`\b(drop|change)\(`)
	quietCall = regexp.MustCompile(`\bquiet_days\(`)
)

// Warnings keeps only the advice among problems.
func Warnings(ps steward.Problems) steward.Problems {
	var out steward.Problems
	for _, p := range ps {
		if p.Warning() {
			out = append(out, p)
		}
	}
	return out
}
