package playbooks

import (
	"fmt"
	"io/fs"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks/lang"
)

// openingKeys are a playbook's keys for when it opens, for whom first, and what
// it gives way to.
type openingKeys struct {
	Every       strictyaml.Scalar    `yaml:"every" doc:"When a rhythm comes round: every so many days (d), weeks (w) or months (mo), on which day, and at what time. Without a time, with the first evaluation of the day." pattern:"^[1-9][0-9]*(d|w|mo)( on [a-z0-9 ]+)?( at [0-9]{1,2}:[0-9]{2})?$" want:"write 1mo on second tuesday at 09:00, 2w on thursday or 1d" examples:"1mo on second tuesday at 09:00;2w on thursday;1d;1mo on 15;3mo on last friday"`
	Mode        strictyaml.Scalar    `yaml:"mode" doc:"How far it speaks: shadow goes through its steps and says nothing, internal says nothing to customers, live says all. Default live." enum:"shadow|internal|live"`
	InhibitedBy strictyaml.OneOrMore `yaml:"inhibited_by" doc:"Playbooks that this one waits for: while one of them is under way for the same account, nothing of this one is sent."`
	Goal        *goalBlock           `yaml:"goal" doc:"What the playbook is to reach. Reaching it is recorded and ends nothing."`
	Pilot       *pilotBlock          `yaml:"pilot" doc:"Begin with some of the audience, and compare them with the rest: steward report pilot."`
	Was         strictyaml.Scalar    `yaml:"was" doc:"The name that the playbook had before it was renamed, so that what it did goes on under the new one." pattern:"^[a-z][a-z0-9-]{0,63}$" want:"write the playbook's old name"`
}

// readPlaybook is a playbook with what it was read from.
type readPlaybook struct {
	*reader
	p *Playbook
}

// opening reads the opening keys that stand alone; goals and pilots are read
// with the conditions.
func (r *reader) opening(p *Playbook) {
	d := r.doc
	p.Mode = oneOf(r, "mode", d.Mode, Live, Shadow, Internal, Live)
	p.Was = steward.PlaybookName(d.Was.Value)
	if !d.Was.Pos.IsZero() && !isName(d.Was.Value) {
		r.fault(d.Was, fmt.Sprintf("%q is not a playbook's name", d.Was.Value), "write the name that this playbook had before it was renamed")
	}
	for _, name := range d.InhibitedBy {
		p.InhibitedBy = append(p.InhibitedBy, steward.PlaybookName(name.Value))
	}
	r.every(p)
}

// every reads a rhythm's calendar, and tells keys that mean nothing to it: it
// has no condition to hold, recover or cool down from.
func (r *reader) every(p *Playbook) {
	d := r.doc
	if p.Kind != Rhythm {
		if !d.Every.Pos.IsZero() {
			r.fault(d.Every, "`every` is for playbooks that the calendar opens", "write kind: rhythm, or remove it")
		}
		return
	}
	switch c, err := ParseCadence(d.Every.Value); {
	case d.Every.Pos.IsZero():
		r.faultAt(d.Pos, "a rhythm needs `every`", cadenceHint)
	case err != nil:
		r.fault(d.Every, err.Error(), cadenceHint)
	default:
		p.Every = c
	}
	refuse := func(set bool, pos strictyaml.Pos, key, why string) {
		if set {
			if pos.IsZero() {
				pos = d.Pos
			}
			r.faultAt(pos, fmt.Sprintf("a rhythm has no `%s`: %s", key, why), "remove it")
		}
	}
	const calendar = "the calendar opens it, and audience says for whom"
	refuse(!d.When.IsZero(), d.When.Pos, "when", calendar)
	refuse(d.For != 0, strictyaml.Pos{}, "for", calendar)
	refuse(!d.Until.IsZero(), d.Until.Pos, "until", "there is nothing to recover from; exit_when ends it early")
	refuse(d.ClearFor != 0, strictyaml.Pos{}, "clear_for", "there is nothing to recover from")
	refuse(d.Cooldown != nil, strictyaml.Pos{}, "cooldown", "every says how often")
	refuse(!d.Reentry.Pos.IsZero(), d.Reentry.Pos, "reentry", "every says how often")
	refuse(!d.MaxNew.Pos.IsZero(), d.MaxNew.Pos, "max_new", "it opens for its whole audience, and nothing is held")
	refuse(d.Backfill, strictyaml.Pos{}, "backfill", "nothing is held")
	for _, s := range d.Steps {
		refuse(!s.At.IsZero(), s.At.Pos, "at", "its steps follow its own calendar; write wait")
		refuse(!s.IfLate.Pos.IsZero(), s.IfLate.Pos, "if_late", "its steps follow its own calendar")
	}
}

// always is the condition of what the calendar opens.
func always(sc lang.Scope) *lang.Expr {
	e, _ := lang.Compile("true", sc, steward.FlagKind)
	return e
}

// playbookNames is the name of every playbook in the files, of those with
// mistakes too: what conditions may name before anything else is read.
func playbookNames(fsys fs.FS, files []string) []string {
	out := []string{}
	for _, file := range files {
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			continue // told where the file is read
		}
		docs, _ := strictyaml.Documents(file, src)
		for _, d := range docs {
			var doc document
			strictyaml.DecodeNode(file, src, d.Node, &doc)
			if doc.Playbook.Value != "" {
				out = append(out, doc.Playbook.Value)
			}
		}
	}
	return out
}

// holds reads the workspace's holds.
func (l *loader) holds(sc lang.Scope) {
	for i, h := range l.book.Holds {
		if e := l.expr(source{l.book.File, l.book.Source, fmt.Sprintf("hold %d", i+1)}, h.When, sc, steward.FlagKind); e != nil {
			l.book.holds = append(l.book.holds, hold{h, e})
		}
	}
}
