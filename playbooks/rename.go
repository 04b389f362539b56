package playbooks

import (
	"maps"
	"slices"

	"steward"
)

// Renamed is the new names of playbooks by the names that they had before.
func (b *Book) Renamed() map[steward.PlaybookName]steward.PlaybookName {
	out := map[steward.PlaybookName]steward.PlaybookName{}
	for _, p := range b.Playbooks {
		if p.Was != "" {
			out[p.Was] = p.Name
		}
	}
	return out
}

// renamed tells what is wrong with the playbooks' old names: one that is a
// playbook still, or that two playbooks claim.
func (l *loader) renamed() {
	claimed := map[steward.PlaybookName]*Playbook{}
	for _, r := range l.read {
		p, was := r.p, r.doc.Was
		if p.Was == "" || !isName(string(p.Was)) {
			continue
		}
		switch other := claimed[p.Was]; {
		case p.Was == p.Name:
			r.fault(was, "`was` names the playbook itself", "write the name that it had before, or remove was")
		case slices.Contains(l.names, string(p.Was)):
			r.fault(was, "there is still a playbook "+string(p.Was)+", so this one cannot be it renamed", "remove was, or the other playbook")
		case other != nil:
			r.fault(was, "two playbooks say that they were "+string(p.Was), "only one of them can take over what was done; the other is in "+other.File)
		default:
			claimed[p.Was] = p
		}
	}
}

// Renamed is the memory as it reads once the book's renamed playbooks have
// taken over what stands under their old names. What stands under a new name
// already is kept, as the ledger does.
func (m Memory) Renamed(names map[steward.PlaybookName]steward.PlaybookName) Memory {
	if len(names) == 0 {
		return m
	}
	m.Phases = moved(m.Phases, names, func(st *steward.PhaseState, to steward.PlaybookName) { st.Playbook = to })
	m.Open = moved(m.Open, names, func(e *steward.Enrolment, to steward.PlaybookName) { e.Playbook = to })
	m.Ended = moved(m.Ended, names, func(e *steward.Enrolment, to steward.PlaybookName) { e.Playbook = to })
	states := maps.Clone(m.States)
	for was, to := range names {
		old, ok := states[was]
		if !ok {
			continue
		}
		delete(states, was)
		if old.DrawnAs == "" {
			old.DrawnAs = was
		}
		st, there := states[to]
		if !there {
			st = old
			st.Playbook = to
		} else if st.DrawnAs == "" {
			st.DrawnAs = old.DrawnAs
		}
		states[to] = st
	}
	m.States = states
	outreach := make(map[steward.EnrolmentID][]steward.Outreach, len(m.Outreach))
	for id, of := range m.Outreach {
		for _, o := range of {
			if to, ok := names[o.Playbook]; ok {
				o.Playbook = to
			}
			outreach[id] = append(outreach[id], o)
		}
	}
	m.Outreach = outreach
	if m.Afoot != nil {
		afoot := make(map[steward.AccountID][]steward.PlaybookName, len(m.Afoot))
		for account, of := range m.Afoot {
			for _, name := range of {
				if to, ok := names[name]; ok {
					name = to
				}
				afoot[account] = append(afoot[account], name)
			}
		}
		m.Afoot = afoot
	}
	return m
}

// moved is what is kept by key, with the old names' values under the new ones,
// unless there is one already.
func moved[V any](of map[Key]V, names map[steward.PlaybookName]steward.PlaybookName, rename func(*V, steward.PlaybookName)) map[Key]V {
	out := make(map[Key]V, len(of))
	for key, v := range of {
		if _, old := names[key.Playbook]; !old {
			out[key] = v
		}
	}
	for key, v := range of {
		to, old := names[key.Playbook]
		if !old {
			continue
		}
		key.Playbook = to
		if _, there := out[key]; there {
			continue
		}
		rename(&v, to)
		out[key] = v
	}
	return out
}

// RenamedDealings is what was done about accounts under the playbooks' new
// names.
func RenamedDealings(of map[steward.AccountID]steward.Dealings, names map[steward.PlaybookName]steward.PlaybookName) map[steward.AccountID]steward.Dealings {
	if len(names) == 0 {
		return of
	}
	out := make(map[steward.AccountID]steward.Dealings, len(of))
	for account, d := range of {
		fired := make(map[steward.PlaybookName][]steward.Day, len(d.Fired))
		for name, days := range d.Fired {
			if to, ok := names[name]; ok {
				name = to
			}
			fired[name] = append(fired[name], days...)
			slices.Sort(fired[name])
		}
		d.Fired = fired
		out[account] = d
	}
	return out
}
