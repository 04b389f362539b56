package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
)

// A SwingKind names a difference between two imports of a source that is
// rather a broken export than news.
type SwingKind string

// The kinds of swing.
const (
	// SwingEnd: a file ends in the middle of a row, or without the line end that
	// it had the last time.
	SwingEnd SwingKind = "end"
	// SwingRows: a list lost many of its rows, or the metrics all of their days.
	SwingRows SwingKind = "rows"
	// SwingColumns: a column that used to say something says little or nothing.
	SwingColumns SwingKind = "columns"
	// SwingOwners: many accounts change their owner, or lose it.
	SwingOwners SwingKind = "owners"
	// SwingDays: on days that are said to be complete, far fewer accounts do
	// anything than usual.
	SwingDays SwingKind = "days"
)

// SwingKinds is all of them.
func SwingKinds() []SwingKind {
	return []SwingKind{SwingEnd, SwingRows, SwingColumns, SwingOwners, SwingDays}
}

// A Swing is such a difference. It holds an import back until somebody accepts
// its kind, or an import comes without it.
type Swing struct {
	Kind SwingKind `json:"kind"`
	// What is the list, the column or the metric that it was seen in, or the file.
	What string `json:"what"`
	// Now of Of is what was seen, Was what was expected of it.
	Now int `json:"now"`
	Of  int `json:"of,omitempty"`
	Was int `json:"was,omitempty"`
	// Day is the first day that is not believed; NoDay where it is not about days.
	Day steward.Day `json:"day"`
	// Examples is up to five of what it concerns.
	Examples []string `json:"examples,omitempty"`
}

// String says it in one sentence, with numbers and examples.
func (s Swing) String() string {
	such := ""
	if len(s.Examples) > 0 {
		such = ", such as " + strings.Join(s.Examples, ", ")
	}
	switch s.Kind {
	case SwingEnd:
		return s.What + " breaks off at its end"
	case SwingRows:
		if s.Day != steward.NoDay {
			return fmt.Sprintf("the metrics hold no day at all, where they reached to %s", s.Day)
		}
		return fmt.Sprintf("%d of %d %ss are missing from the file%s", s.Was-s.Now, s.Was, s.What, such)
	case SwingColumns:
		if len(s.Examples) > 0 {
			such = "; columns that nothing reads: " + strings.Join(s.Examples, ", ")
		}
		return fmt.Sprintf("%s has a value in %d of %d rows, where about %d would be usual%s", s.What, s.Now, s.Of, s.Was, such)
	case SwingOwners:
		return fmt.Sprintf("%d of %d accounts change or lose their owner%s", s.Now, s.Of, such)
	}
	return fmt.Sprintf("on %s %d accounts have any %s, where about %d are usual; it and later days are not judged", s.Day, s.Now, s.What, s.Was)
}

// A HeldError is an import that was not made because of its swings.
type HeldError struct {
	Source string
	Swings []Swing
}

// Error names every swing.
func (e *HeldError) Error() string {
	var parts []string
	for _, s := range e.Swings {
		parts = append(parts, s.String())
	}
	return fmt.Sprintf("source %s is held back, and nothing of it was imported: %s", e.Source, strings.Join(parts, "; "))
}

// A Fill is how many rows of a file there were, and in how many of them the
// cell of one column said something.
type Fill struct {
	Rows   int `json:"rows"`
	Filled int `json:"filled"`
	// Unread is headers that nothing reads, where the column is not there.
	Unread []string `json:"-"`
}

// Where swings begin. Small portfolios move by large shares, so that most of
// them ask for a number, too.
const (
	// swingLeast is how many accounts, rows or cells a swing has at least.
	swingLeast = 10
	// dropShare is the part of a full list that may go at once, one row in ten;
	// dropLeast how many may go of a list of few, short of most of it.
	dropShare, dropLeast = 10, 2
	// ownerShare is the part of all owners that may change at once: one in twenty.
	ownerShare = 20
	// activeWeeks is in how many weeks usual days are looked for, and activeDays
	// for how many days it is kept how many accounts did something.
	activeWeeks = 8
	activeDays  = 7 * (activeWeeks + 1)
	// quietWeek is for how many days quiet days are waited with. Exports that go
	// on saying the same are then believed: it is the season, and nobody could
	// have people say so every morning of it.
	quietWeek = 7
)

// much tells that what is left of what was expected is less than half of it,
// and that this is not little.
func much(now, expected int) bool { return expected-now >= swingLeast && now*2 < expected }

// shape is what is kept of an import to compare the next one with.
type shape struct {
	// Listed is how many rows each list had, Steady whether it tends to have
	// (nearly) all that there are, whatever it is declared as.
	Listed map[Kind]int  `json:"listed,omitempty"`
	Steady map[Kind]bool `json:"steady,omitempty"`
	// Columns is how full each column was.
	Columns map[string]Fill `json:"columns,omitempty"`
	// Active is how many accounts were above zero, by count metric and day.
	Active map[string]map[steward.Day]int `json:"active,omitempty"`
	// Through is the last day that was believed to be complete.
	Through steward.Day `json:"through"`
	Files   []string    `json:"files,omitempty"`
	Unended []string    `json:"unended,omitempty"`
}

// swings compares the batch with what the source's last import was like.
func (im *importing) swings() ([]Swing, error) {
	if im.before == nil {
		return nil, nil // a first import has nothing to differ from
	}
	out := im.tornFiles()
	lists, err := im.lostRows()
	if err != nil {
		return nil, err
	}
	out = append(out, lists...)
	owners := im.ownersChanged()
	for _, s := range im.emptiedColumns() {
		if s.What == "accounts.owner" && len(owners) > 0 {
			continue // one thing, said better
		}
		out = append(out, s)
	}
	return append(out, owners...), nil
}

// tornFiles are those that break off.
func (im *importing) tornFiles() []Swing {
	var out []Swing
	for _, where := range im.batch.Torn {
		out = append(out, Swing{Kind: SwingEnd, What: where, Day: steward.NoDay})
	}
	for _, file := range im.batch.Unended {
		told := slices.ContainsFunc(im.batch.Torn, func(where string) bool { return strings.HasPrefix(where, file+":") })
		if !told && slices.Contains(im.before.Shape.Files, file) && !slices.Contains(im.before.Shape.Unended, file) {
			out = append(out, Swing{Kind: SwingEnd, What: file, Day: steward.NoDay})
		}
	}
	return out
}

// lostRows are lists that lost much, and metrics that lost everything.
func (im *importing) lostRows() ([]Swing, error) {
	var out []Swing
	for _, k := range guarded {
		if slices.Contains(im.fullKinds(), k) {
			gone, err := im.absent(k)
			if err != nil {
				return nil, err
			}
			was := gone.was
			if n := len(gone.ids); n == was && n > 0 || n > 1 && n*2 > was || n > dropLeast && n*dropShare > was {
				s := Swing{Kind: SwingRows, What: string(k), Was: was, Now: was - n, Day: steward.NoDay}
				if k != Contacts { // their ids may be made of addresses, which belong in no log
					s.Examples = gone.ids[:min(5, n)]
				}
				out = append(out, s)
			}
			continue
		}
		if was, now := im.before.Shape.Listed[k], im.listed(k); im.before.Shape.Steady[k] && much(now, was) {
			out = append(out, Swing{Kind: SwingRows, What: string(k), Was: was, Now: now, Day: steward.NoDay})
		}
	}
	if d := im.before.Newest; d != steward.NoDay && im.batch.NewestDay == steward.NoDay {
		if _, metrics := im.batch.Columns["metrics.day"]; metrics || im.batch.CompleteThrough == steward.NoDay {
			out = append(out, Swing{Kind: SwingRows, What: "metrics", Day: d})
		}
	}
	return out, nil
}

// absent is what of a list the source had and the batch has no longer.
func (im *importing) absent(k Kind) (gone struct {
	ids []string
	was int
}, err error) {
	var ids []string
	err = im.tx.SelectContext(im.ctx, &ids, `
		SELECT l.id FROM listings l JOIN `+kindTable[k]+` t ON t.id = l.id
		WHERE l.source = ? AND l.kind = ? AND t.gone_from = '' ORDER BY l.id`, im.batch.Source, k)
	if err != nil {
		return gone, err
	}
	has := im.ids(k)
	gone.was = len(ids)
	for _, id := range ids {
		if !has[id] {
			gone.ids = append(gone.ids, id)
		}
	}
	return gone, nil
}

func (im *importing) ids(k Kind) map[string]bool {
	out := map[string]bool{}
	switch k {
	case Accounts:
		for _, a := range im.batch.Accounts {
			out[string(a.ID)] = true
		}
	case Contracts:
		for _, c := range im.batch.Contracts {
			out[string(c.ID)] = true
		}
	case Contacts:
		for _, c := range im.batch.Contacts {
			out[string(c.ID)] = true
		}
	case Products:
		for _, p := range im.batch.Products {
			out[string(p.ID)] = true
		}
	}
	return out
}

// guarded are the lists that do not shrink by themselves. Tickets, answers and
// what was agreed come and go as exports are cut.
var guarded = []Kind{Accounts, Contracts, Contacts, Products}

func (im *importing) listed(k Kind) int {
	return map[Kind]int{Accounts: len(im.batch.Accounts), Contracts: len(im.batch.Contracts), Contacts: len(im.batch.Contacts), Products: len(im.batch.Products)}[k]
}

// emptiedByWork are columns that say less when much is new: on the day of an
// outage most tickets are open, and that is no reason to look away.
var emptiedByWork = []string{"tickets.closed", "tickets.status"}

// emptiedColumns are columns that say far less than they did, for as many rows.
// Columns that the workspace no longer asks for are none of its concern.
func (im *importing) emptiedColumns() []Swing {
	var out []Swing
	for _, name := range slices.Sorted(maps.Keys(im.before.Shape.Columns)) {
		was := im.before.Shape.Columns[name]
		now, asked := im.batch.Columns[name]
		if !asked || was.Rows == 0 || now.Rows == 0 {
			continue
		}
		expected := was.Filled * now.Rows / was.Rows
		gone := now.Filled == 0 && was.Filled*2 >= was.Rows && expected > dropLeast
		if gone || !slices.Contains(emptiedByWork, name) && much(now.Filled, expected) {
			out = append(out, Swing{Kind: SwingColumns, What: name, Now: now.Filled, Of: now.Rows, Was: expected, Day: steward.NoDay, Examples: now.Unread[:min(5, len(now.Unread))]})
		}
	}
	return out
}

// ownersChanged is a reassignment of more accounts at once than happens by
// itself. An account that gets its first owner has not changed hands.
func (im *importing) ownersChanged() []Swing {
	if f := im.batch.AccountFields; f != nil && !slices.Contains(f, "owner") {
		return nil
	}
	owned := 0
	for _, a := range im.stored {
		if a.GoneFrom == "" && a.Owner != "" {
			owned++
		}
	}
	s := Swing{Kind: SwingOwners, What: "accounts", Of: owned, Day: steward.NoDay}
	for _, a := range im.batch.Accounts {
		old := im.stored[string(a.ID)]
		if old.GoneFrom != "" || old.Owner == "" || old.Owner == a.Owner {
			continue
		}
		s.Now++
		if to := string(a.Owner); len(s.Examples) < 5 {
			if to == "" {
				to = "nobody"
			}
			s.Examples = append(s.Examples, fmt.Sprintf("%s (%s → %s)", a.ID, old.Owner, to))
		}
	}
	if s.Now < swingLeast || s.Now*ownerShare <= owned {
		return nil
	}
	return []Swing{s}
}

// thinDays is, per count metric, the first newly complete day that is not
// believed.
func (im *importing) thinDays(active map[string]map[steward.Day]int) []Swing {
	if im.before == nil || im.before.Shape.Active == nil {
		return nil
	}
	var out []Swing
	for _, metric := range im.batch.Counts {
		days := newDays{all: active[metric], batch: im.active[metric], believed: im.before.Shape.Through}
		if d, usual := days.firstThin(im.batch.CompleteThrough); d != steward.NoDay {
			out = append(out, Swing{Kind: SwingDays, What: metric, Day: d, Now: days.all[d], Was: usual})
		}
	}
	return out
}

// newDays is how many accounts were active on each day: as far as is known, and
// by this batch alone. Days up to believed were judged before.
type newDays struct {
	all, batch map[steward.Day]int
	believed   steward.Day
}

// firstThin is the first newly complete day that is not believed, and what
// would have been usual; NoDay when all are.
//
// A thin day is believed after all when a later export shows it again, with
// days around it that are as usual: then it was a holiday. An export that was
// cut, or that lacks what a feed never delivered, does not look like that: it
// ends with the thin days, or they are empty. And days that are thin and not
// empty are believed when they have been so for a week.
func (n newDays) firstThin(through steward.Day) (first steward.Day, usual int) {
	first = steward.NoDay
	whole, nextEmpty, anyEmpty := false, false, false
	for d := through; d > n.believed && d > through-activeDays; d-- {
		want, reference, known := n.usual(d)
		now := n.all[d]
		thin := known && (much(now, want) || now == 0 && want > dropLeast)
		empty := thin && now == 0
		switch {
		case !thin:
			whole = whole || known && want > dropLeast
		case !whole || empty && (want >= swingLeast || nextEmpty) || n.batch[reference]*2 < n.all[reference]:
			first, usual, whole = d, want, false
		}
		nextEmpty = empty
		anyEmpty = anyEmpty || empty
	}
	if first != steward.NoDay && !anyEmpty && through-first >= quietWeek {
		return steward.NoDay, 0
	}
	return first, usual
}

// usual is how many accounts are active on a day of its kind: the least of the
// same weekday in up to four of the last weeks that were believed, so that a
// quiet season is usual once it was believed. reference is the nearest of them.
func (n newDays) usual(d steward.Day) (count int, reference steward.Day, known bool) {
	if len(n.all) == 0 {
		return 0, 0, false
	}
	since := slices.Min(slices.Collect(maps.Keys(n.all)))
	var counts []int
	for weeks := 1; weeks <= activeWeeks && len(counts) < 4; weeks++ {
		if at := d - steward.Day(7*weeks); at <= n.believed && at >= since {
			if len(counts) == 0 {
				reference = at
			}
			counts = append(counts, n.all[at])
		}
	}
	if len(counts) < 2 {
		return 0, 0, false
	}
	return slices.Min(counts), reference, true
}

// activity counts the accounts above zero in the batch, by count metric and
// day. Zero and no row at all are the same for a count, and so they are here.
func (b *Batch) activity() map[string]map[steward.Day]int {
	out := map[string]map[steward.Day]int{}
	if b.CompleteThrough == steward.NoDay {
		return out
	}
	for key, s := range b.Series {
		if !slices.Contains(b.Counts, key.Metric) {
			continue
		}
		of := out[key.Metric]
		if of == nil {
			of = map[steward.Day]int{}
			out[key.Metric] = of
		}
		recent := s.Cut(b.CompleteThrough-activeDays+1, b.CompleteThrough)
		for i, v := range recent.Values {
			if v > 0 {
				of[recent.Start+steward.Day(i)]++
			}
		}
	}
	return out
}

// joinActivity is what was counted before with what the batch counts. The
// larger stands: a correction of a few accounts does not empty a day.
func joinActivity(before, batch map[string]map[steward.Day]int, through steward.Day) map[string]map[steward.Day]int {
	out := map[string]map[steward.Day]int{}
	for _, from := range []map[string]map[steward.Day]int{before, batch} {
		for metric, days := range from {
			if out[metric] == nil {
				out[metric] = map[steward.Day]int{}
			}
			for d, n := range days {
				if through == steward.NoDay || d > through-activeDays {
					out[metric][d] = max(out[metric][d], n)
				}
			}
		}
	}
	return out
}
