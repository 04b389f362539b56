package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/jobs"
	"steward/notify"
	"steward/playbooks"
	"steward/playbooks/lang"
	"steward/store"
)

// thirdParty is the folder of a third-party data set, none of which is part of
// the repository.
func thirdParty(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("STEWARD_TEST_DATA"), filepath.Join("..", "..", "..", "shared", "data")} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	t.Skipf("the %s data set is not here; set STEWARD_TEST_DATA to the folder that holds it", name)
	return ""
}

// workspaceFrom copies a workspace of testdata to a folder of its own, with an
// empty data folder in it. STEWARD_TEST_KEEP names a folder to leave it in, as
// kept, so that a person can ask it things afterwards.
func workspaceFrom(t testing.TB, name, kept string) string {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("STEWARD_TEST_KEEP"); keep != "" {
		dir = filepath.Join(keep, kept)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// courses is the data set in memory, to be handed out day by day.
type courses struct {
	students [][]string // accounts.csv with its header
	usage    map[steward.Day][][]string
	header   []string
	// clicks is the daily sums, added up the plain way: what the tests check the
	// engine's windows against.
	clicks map[steward.AccountID]map[steward.Day]float64
	start  map[steward.AccountID]steward.Day
	// left and result are the labels. Nothing but the comparison reads them.
	left        map[steward.AccountID]steward.Day
	result      map[steward.AccountID]string
	first, last steward.Day
	written     int // how many registrations the last export held
}

func readCourses(t testing.TB, dir string) *courses {
	t.Helper()
	c := &courses{students: readTable(t, filepath.Join(dir, "accounts.csv")), usage: map[steward.Day][][]string{}, clicks: map[steward.AccountID]map[steward.Day]float64{},
		start: map[steward.AccountID]steward.Day{}, left: map[steward.AccountID]steward.Day{}, result: map[steward.AccountID]string{}, first: steward.NoDay, last: steward.NoDay}
	rows := readTable(t, filepath.Join(dir, "daily_usage.csv.gz"))
	c.header = rows[0]
	for _, r := range rows[1:] {
		day := mustDay(t, r[1])
		c.usage[day] = append(c.usage[day], r)
		n, err := strconv.ParseFloat(r[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		id := steward.AccountID(r[0])
		if c.clicks[id] == nil {
			c.clicks[id] = map[steward.Day]float64{}
		}
		c.clicks[id][day] += n
	}
	days := slices.Sorted(maps.Keys(c.usage))
	c.first, c.last = days[0], days[len(days)-1]
	for _, r := range c.students[1:] {
		id := steward.AccountID(r[0])
		c.start[id], c.result[id] = mustDay(t, r[4]), r[8]
		if r[7] != "" {
			c.left[id] = mustDay(t, r[7])
		}
	}
	return c
}

func readTable(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return rows
}

func mustDay(t testing.TB, s string) steward.Day {
	t.Helper()
	d, err := steward.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// exportDays is how many days each night's export of usage holds: real ones
// overlap, so that a late row still arrives.
const exportDays = 3

// export writes what the university's systems would have written in the night
// after a day: who is registered by then, and the last days of use. The labels
// are in the file, as they are in the real one; steward.yaml maps none of them.
func (c *courses) export(t testing.TB, dir string, day steward.Day) {
	t.Helper()
	students, people := [][]string{c.students[0]}, [][]string{{"student", "called", "mail", "is"}}
	for _, r := range c.students[1:] {
		if r[3] != "" && mustDay(t, r[3]) > day {
			continue
		}
		students = append(students, r)
		number := r[0][strings.LastIndexByte(r[0], '-')+1:]
		// The data set has no people in it but their numbers.
		people = append(people, []string{r[0], "Student " + number, strings.ToLower(r[0]) + "@students.example.edu", "learner"})
	}
	if c.written != len(students) {
		c.written = len(students)
		writeTable(t, filepath.Join(dir, "accounts.csv"), students)
		writeTable(t, filepath.Join(dir, "contacts.csv"), people)
	}
	rows := [][]string{c.header}
	for d := day - exportDays + 1; d <= day; d++ {
		rows = append(rows, c.usage[d]...)
	}
	writeTable(t, filepath.Join(dir, "daily_usage.csv.gz"), rows)
}

func writeTable(t testing.TB, path string, rows [][]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var w io.WriteCloser = f
	if strings.HasSuffix(path, ".gz") {
		w = gzip.NewWriter(f)
	}
	err = csv.NewWriter(w).WriteAll(rows)
	if w != io.WriteCloser(f) {
		err = errors.Join(err, w.Close())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// window is a student's clicks over the w days that end on a day; ok is false
// before the course had been on for that long.
func (c *courses) window(id steward.AccountID, end steward.Day, w int) (sum float64, active int, ok bool) {
	for d := end - steward.Day(w) + 1; d <= end; d++ {
		if n := c.clicks[id][d]; n > 0 {
			sum += n
			active++
		}
	}
	return sum, active, int(end)-w+1 >= int(c.start[id])
}

// quiet is for how many days up to end nobody clicked.
func (c *courses) quiet(id steward.AccountID, end steward.Day) int {
	n := 0
	for d := end; d >= c.start[id] && c.clicks[id][d] == 0; d-- {
		n++
	}
	return n
}

// dropped is login-drop's condition, worked out from the rows: true or
// unknown or neither.
func (c *courses) dropped(id steward.AccountID, end steward.Day) steward.Verdict {
	now, _, _ := c.window(id, end, 28)
	before, _, ok := c.window(id, end-28, 28)
	switch {
	case c.quiet(id, end) >= 21, ok && before/28 >= 5 && 1-now/before >= 0.75:
		return steward.Holds
	case ok && (before > 0 || now == 0):
		return steward.Fails
	case ok:
		return steward.Fails // from zero to more is no fall: there was no average of 5
	}
	return steward.Unclear
}

// stalled is stalled-adoption's condition, worked out from the rows.
func (c *courses) stalled(id steward.AccountID, end steward.Day) steward.Verdict {
	_, active, ok := c.window(id, end, 28)
	if ok && active < 4 && int(end+1-c.start[id]) >= 42 {
		return steward.Holds
	}
	return steward.Fails
}

// countingSender previews, and counts how often each message was handed over.
type countingSender struct {
	to   jobs.Sender
	sent map[steward.MessageID]int
}

func (s *countingSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	s.sent[l.Message.ID]++
	return s.to.Send(ctx, l)
}

// life is a workspace lived through day by day, with all that the checks at its
// end need to know.
type life struct {
	t      *testing.T
	data   *courses
	house  *house
	engine *jobs.Engine
	clock  fakeClock
	sender *countingSender
	flush  func() error
	// reports is by the slot's day; seen is what `when` came to for everybody on
	// some days, to be compared with the whole import.
	reports map[steward.Day]jobs.Report
	newest  map[steward.Day]steward.Day // the newest day with any row that the slot could know
	seen    map[steward.Slot]map[string]string
}

func newLife(t *testing.T, data *courses, dir string) *life {
	t.Helper()
	ctx := t.Context()
	ws, book, problems := loadFrom(os.DirFS(dir), dir, func(string) string { return "" })
	if len(problems) > 0 {
		t.Fatalf("the workspace has problems: %v", problems)
	}
	db, err := store.Open(ctx, ws.Database, store.Options{Lock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	l := &life{t: t, data: data, house: &house{ws: ws, book: book, db: db},
		reports: map[steward.Day]jobs.Report{}, newest: map[steward.Day]steward.Day{}, seen: map[steward.Slot]map[string]string{}}
	out, err := l.house.senders(ctx, notify.PreviewConfig{})
	if err != nil {
		t.Fatal(err)
	}
	l.sender, l.flush = &countingSender{to: out.sender, sent: map[steward.MessageID]int{}}, out.flush
	l.engine = l.house.engine(l.sender, discardLog())
	l.engine.Now = l.clock.now
	return l
}

func (l *life) dataDir() string { return filepath.Join(l.house.ws.Dir, "data") }

// importAll imports every source as it lies in the data folder.
func (l *life) importAll(at time.Time, changed bool) []imported {
	l.t.Helper()
	var out []imported
	for _, src := range l.house.ws.Sources {
		done, err := importSource(l.t.Context(), l.house.ws, l.house.db, src,
			importOptions{Now: at, Changed: changed, Accept: []store.SwingKind{store.SwingDays}}) // who runs a course knows its holidays
		var held *heldSource
		if errors.As(err, &held) && len(held.Held.Swings) == 1 && held.Held.Swings[0].What == "metrics" {
			continue // a night without any day of use, as in summer: what was there stands
		}
		if err != nil {
			l.t.Fatalf("import %s on %s: %v", src.Name, at, err)
		}
		if done.Rejected > 0 {
			l.t.Fatalf("import %s on %s rejected %d rows, the first: %v", src.Name, at, done.Rejected, done.Rejects[0])
		}
		out = append(out, done)
	}
	return out
}

// day lives one: the night's export, the morning's evaluation, and what people
// do by the afternoon.
func (l *life) day(day steward.Day) {
	l.t.Helper()
	ctx := l.t.Context()
	slot, err := slotOn(l.house.ws, day)
	if err != nil {
		l.t.Fatal(err)
	}
	l.data.export(l.t, l.dataDir(), day-1)
	l.clock.set(slot.Time())
	l.importAll(slot.Time(), true)
	report, err := l.engine.Evaluate(ctx, slot)
	if err != nil {
		l.t.Fatal(err)
	}
	l.reports[day] = report
	for d := day - 1; d >= l.data.first; d-- {
		if len(l.data.usage[d]) > 0 {
			l.newest[day] = d
			break
		}
	}
	if day%30 == 0 && day-l.newest[day] <= 2 { // what is stale is unknown, whatever comes later
		l.seen[slot] = l.verdicts(l.engine, slot)
	}
	l.deliver()
	l.people(day)
}

func (l *life) deliver() {
	l.t.Helper()
	if err := deliverDue(l.t.Context(), l.engine, l.house.db, l.clock.now); err != nil {
		l.t.Fatal(err)
	}
}

// people are the tutors: by the afternoon one in three has taken a card on; two
// of three drafts are approved the day after; and whoever watches over the
// playbooks lets go of renewals that were held, since they are no surprise. What
// follows goes out with the next morning's, to keep the test short.
func (l *life) people(day steward.Day) {
	l.t.Helper()
	ctx, db := l.t.Context(), l.house.db
	l.clock.set(l.clock.now().Add(8 * time.Hour))
	now := l.clock.now()
	active, err := db.Enrolments(ctx, store.EnrolmentFilter{Open: true})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range active {
		if e.State != steward.Quarantined && e.AckedAt.IsZero() && draw(string(e.ID))%3 == 0 && now.Sub(e.OpenedAt) < 48*time.Hour {
			if err := db.Ack(ctx, e.ID, "a tutor", now); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	waiting, _, err := db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range waiting {
		if now.Sub(m.Planned) > 12*time.Hour && draw(string(m.ID))%3 != 0 {
			if err := db.Approve(ctx, m.ID, m.Version, "a tutor", now); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	if _, err := db.Release(ctx, store.ReleaseFilter{Playbook: "renewal"}, now); err != nil {
		l.t.Fatal(err)
	}
}

// draw is a number that an id always gives: people's moods, repeatably.
func draw(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

// verdicts is what every playbook's condition comes to for everybody at a slot.
func (l *life) verdicts(e *jobs.Engine, slot steward.Slot) map[string]string {
	l.t.Helper()
	s, err := e.Situation(l.t.Context(), slot)
	if err != nil {
		l.t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range l.house.book.Playbooks {
		view := s.Frame.View(p.About)
		when := p.When.Column(view, lang.At{})
		for row := range view.Len() {
			out[string(p.Name)+" "+view.Subject(row).ID] = fmt.Sprint(when.Value(row).Verdict())
		}
	}
	return out
}

// The main job on real use: 748 students on two presentations of a course,
// imported night by night and judged every morning, as it would have been. It
// lives through the first presentation, the summer in which no data come, and
// the beginning of the second; -short ends before Christmas, and with
// STEWARD_TEST_LONG set it goes to the end of the data.
func TestCourseYear(t *testing.T) {
	data := readCourses(t, thirdParty(t, "oulad"))
	l := newLife(t, data, workspaceFrom(t, "oulad", "oulad"))
	last := steward.Date(2014, 12, 15)
	switch {
	case testing.Short():
		last = steward.Date(2013, 12, 15)
	case os.Getenv("STEWARD_TEST_LONG") != "":
		last = data.last + 3
	}
	for day := data.first + 1; day <= last; day++ {
		l.day(day)
	}
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
	all := l.enrolments()
	l.checkOpenings(all)
	l.checkEpisodes(all)
	l.checkLimits(all)
	l.checkEvidence(all)
	l.checkMessages()
	l.checkDatabase()
	l.checkAgainImported(last)
	l.checkWholeImport(last - 1)
	l.print(all)
}

func (l *life) enrolments() []steward.Enrolment {
	l.t.Helper()
	all, err := l.house.db.Enrolments(l.t.Context(), store.EnrolmentFilter{Limit: 1 << 20})
	if err != nil {
		l.t.Fatal(err)
	}
	if len(all) == 0 {
		l.t.Fatal("nothing was opened in all that time")
	}
	slices.Reverse(all) // oldest first
	return all
}

func (l *life) dayOf(at time.Time) steward.Day { return steward.DayOf(at, l.house.ws.Zone) }

// checkOpenings holds every opening against the rows, added up the plain way,
// and finds none on days that brought no data.
func (l *life) checkOpenings(all []steward.Enrolment) {
	for day, r := range l.reports {
		stale := day-l.newest[day] > 2 // its last whole day ended more than 36 hours ago
		for name, tally := range r.Playbooks {
			p, _ := l.house.book.Playbook(name)
			if !p.DailyMetrics() {
				continue
			}
			if stale != (tally.Fault != "") {
				l.t.Errorf("%s on %s: the newest data are of %s, and the fault is %q", name, day, l.newest[day], tally.Fault)
			}
			if stale && tally.Opened+tally.Quarantined > 0 {
				l.t.Errorf("%s opened %d and held %d on %s, when the newest data were of %s", name, tally.Opened, tally.Quarantined, day, l.newest[day])
			}
		}
	}
	conditions := map[steward.PlaybookName]func(steward.AccountID, steward.Day) steward.Verdict{"login-drop": l.data.dropped, "stalled-adoption": l.data.stalled}
	for _, e := range all {
		p, _ := l.house.book.Playbook(e.Playbook)
		if began := e.Episode.Day(l.house.ws.Zone); p.DailyMetrics() && e.EpisodeDay >= began {
			l.t.Errorf("%s: an episode that began on the morning of %s has seen %s", e.Subject, began, e.EpisodeDay)
		}
		condition := conditions[e.Playbook]
		if condition == nil {
			continue
		}
		// The first pending day and `for` more on which it held; days of which
		// nothing is known count for nothing.
		held := 0
		for d := e.EpisodeDay; held <= int(p.For); d++ {
			verdict := condition(e.Subject.Account, d)
			if verdict == steward.Holds {
				held++
			}
			if verdict == steward.Fails || d >= l.dayOf(e.OpenedAt) {
				l.t.Errorf("%s was enrolled in %s on %s in the episode that began with %s, but on %s its condition was %s after holding on %d days", e.Subject, e.Playbook, l.dayOf(e.OpenedAt), e.EpisodeDay, d, verdict, held)
				break
			}
		}
	}
}

// checkEpisodes: one enrolment per episode, one at a time, and a rest between
// two.
func (l *life) checkEpisodes(all []steward.Enrolment) {
	last := map[playbooks.Key]steward.Enrolment{}
	for _, e := range all {
		key := playbooks.KeyOf(e.Playbook, e.Subject)
		before, again := last[key]
		last[key] = e
		if !again {
			continue
		}
		p, _ := l.house.book.Playbook(e.Playbook)
		switch rest := e.OpenedAt.Sub(before.EndedAt); {
		case before.Episode == e.Episode:
			l.t.Errorf("%s was enrolled twice in the episode of %s in %s", e.Subject, e.Episode, e.Playbook)
		case before.EndedAt.IsZero() || rest < 0:
			l.t.Errorf("%s was enrolled in %s on %s while an earlier enrolment was open", e.Subject, e.Playbook, e.OpenedAt)
		case !before.StepSince.IsZero() && rest < p.Cooldown:
			l.t.Errorf("%s was enrolled in %s %s after the last ended; it cools down for %s", e.Subject, e.Playbook, rest, p.Cooldown)
		}
	}
}

// checkLimits: no run opens more than its share, and what was held says why.
func (l *life) checkLimits(all []steward.Enrolment) {
	opened := map[string]int{}
	for _, e := range all {
		opened[fmt.Sprint(e.Playbook, l.dayOf(e.OpenedAt))]++
	}
	held := 0
	for day, r := range l.reports {
		for name, tally := range r.Playbooks {
			limit := max(10, tally.Audience/20)
			if tally.Opened > limit {
				l.t.Errorf("%s opened %d on %s, of an audience of %d", name, tally.Opened, day, tally.Audience)
			}
			if tally.Quarantined > 0 && tally.Opened < limit && day > l.data.first+20 {
				l.t.Errorf("%s held %d on %s after opening %d of at most %d", name, tally.Quarantined, day, tally.Opened, limit)
			}
			if n := opened[fmt.Sprint(name, day)]; n != tally.Opened+tally.Quarantined {
				l.t.Errorf("%s on %s: %d enrolments are stored, %d opened and %d held were told", name, day, n, tally.Opened, tally.Quarantined)
			}
			held += tally.Quarantined
		}
	}
	if held == 0 {
		l.t.Error("nothing was ever held, though a whole course goes home for Christmas")
	}
	for _, e := range all {
		if e.State == steward.Quarantined && e.Reason != steward.ReasonBlastRadius && e.Reason != steward.ReasonBaseline {
			l.t.Errorf("%s is quarantined because of %q", e.ID, e.Reason)
		}
	}
}

// checkEvidence: what was opened says what was seen, in numbers and in words,
// and when it opened as soon as it fired, something of it held. An opening that
// a cooldown delayed may find less than it fired for; how many did is told.
func (l *life) checkEvidence(all []steward.Enrolment) {
	seen, faded := map[playbooks.Key]bool{}, 0
	for _, e := range all {
		known, holds := 0, 0
		for _, ev := range e.Evidence {
			if ev.Saw.Known && ev.Words != "" {
				known++
			}
			if ev.Verdict == steward.Holds {
				holds++
			}
		}
		key := playbooks.KeyOf(e.Playbook, e.Subject)
		switch {
		case known == 0:
			l.t.Errorf("%s in %s was opened without evidence: %+v", e.Subject, e.Playbook, e.Evidence)
		case holds == 0 && !seen[key]:
			l.t.Errorf("%s in %s was opened on evidence none of which holds: %+v", e.Subject, e.Playbook, e.Evidence)
		case holds == 0:
			faded++
		}
		seen[key] = true
	}
	if faded > 0 {
		l.t.Logf("%d openings that a cooldown delayed found nothing of their condition left", faded)
	}
}

// checkMessages: each was sent once, says nothing unfinished, and none is left
// between two states.
func (l *life) checkMessages() {
	ctx, db := l.t.Context(), l.house.db
	for id, n := range l.sender.sent {
		if n != 1 {
			l.t.Errorf("message %s was handed over %d times", id, n)
		}
	}
	all, carried, err := db.Messages(ctx, store.MessageFilter{Limit: 1 << 20})
	if err != nil {
		l.t.Fatal(err)
	}
	sent := 0
	said := map[string]steward.MessageID{}
	for _, m := range all {
		switch m.State {
		case steward.Uncertain, steward.Sending, steward.Enqueued, steward.FailedToSend:
			l.t.Errorf("message %s ended as %s (%s %s)", m.ID, m.State, m.Reason, m.Detail)
		case steward.Sent:
			sent++
			if l.sender.sent[m.ID] == 0 {
				l.t.Errorf("message %s is called sent, and was never handed over", m.ID)
			}
		}
		if m.Content != nil {
			if text := fmt.Sprintf("%+v", *m.Content); strings.Contains(text, "not known") || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
				l.t.Errorf("message %s says something unfinished: %s", m.ID, text)
			}
		}
		for _, o := range carried[m.ID] {
			what := fmt.Sprint(o.Enrolment, o.Step, o.Occurrence, o.To.Key)
			if other, twice := said[what]; twice && m.Kind != steward.Approval {
				l.t.Errorf("%s is said by %s and by %s", what, other, m.ID)
			}
			said[what] = m.ID
		}
	}
	if sent != len(l.sender.sent) {
		l.t.Errorf("%d messages are called sent, %d were handed over", sent, len(l.sender.sent))
	}
}

func (l *life) checkDatabase() {
	if err := l.house.db.Check(l.t.Context()); err != nil {
		l.t.Errorf("the database is not whole: %v", err)
	}
	counts, err := l.house.db.Counts(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	if counts.Uncertain > 0 {
		l.t.Errorf("%d messages are uncertain in a preview", counts.Uncertain)
	}
}

// checkAgainImported: the same files once more change nothing.
func (l *life) checkAgainImported(last steward.Day) {
	slot, err := slotOn(l.house.ws, last)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, i := range l.importAll(slot.Time().Add(time.Hour), true) {
		if !i.Unchanged {
			l.t.Errorf("%s: files that did not change were read again", i.Source)
		}
	}
	for _, i := range l.importAll(slot.Time().Add(time.Hour), false) {
		for what, n := range map[string]store.Tally{"accounts": i.Stored.Accounts, "contracts": i.Stored.Contracts, "contacts": i.Stored.Contacts} {
			if n.New+n.Changed+n.Gone > 0 {
				l.t.Errorf("%s again: %s %+v", i.Source, what, n)
			}
		}
		if i.Stored.SeriesTouched > 0 {
			l.t.Errorf("%s again: %d series are not as they were", i.Source, i.Stored.SeriesTouched)
		}
	}
}

// checkWholeImport: the files of both years in one import give the series that
// the nights gave, to the last one lived, and at an earlier slot they say what
// was said then: nothing of a later day is seen.
func (l *life) checkWholeImport(last steward.Day) {
	t, ctx := l.t, l.t.Context()
	dir := workspaceFrom(t, "oulad", "oulad-whole")
	whole := newLife(t, l.data, dir)
	src := thirdParty(t, "oulad")
	for _, name := range []string{"accounts.csv", "daily_usage.csv.gz"} {
		b, err := os.ReadFile(filepath.Join(src, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	contacts, err := os.ReadFile(filepath.Join(l.dataDir(), "contacts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "contacts.csv"), contacts, 0o644); err != nil {
		t.Fatal(err)
	}
	whole.importAll((l.data.last + 1).Start(l.house.ws.Zone).Add(6*time.Hour), false)
	byNight, err := l.house.db.Series(ctx, []string{"clicks", "hits"})
	if err != nil {
		t.Fatal(err)
	}
	atOnce, err := whole.house.db.Series(ctx, []string{"clicks", "hits"})
	if err != nil {
		t.Fatal(err)
	}
	for metric, of := range atOnce {
		for id, want := range of {
			for d := l.data.first; d <= last; d++ {
				x, ok := want.At(d)
				if y, too := byNight[metric][id].At(d); x != y || ok != too {
					t.Errorf("%s of %s on %s is %v (%t) imported at once, %v (%t) night by night", metric, id, d, x, ok, y, too)
				}
			}
		}
	}
	for slot, then := range l.seen {
		now := whole.verdicts(whole.engine, slot)
		for key, verdict := range then {
			if now[key] != verdict {
				t.Errorf("%s at %s was %s then, and is %s with everything imported", key, slot, verdict, now[key])
			}
		}
	}
}

// print tells what the year came to, and how it compares with who left.
func (l *life) print(all []steward.Enrolment) {
	t := l.t
	type sums struct {
		opened, again, held int
		ends                map[string]int
	}
	by := map[steward.PlaybookName]*sums{}
	seen := map[playbooks.Key]int{}
	for _, e := range all {
		s := by[e.Playbook]
		if s == nil {
			s = &sums{ends: map[string]int{}}
			by[e.Playbook] = s
		}
		key := playbooks.KeyOf(e.Playbook, e.Subject)
		if seen[key]++; seen[key] > 1 {
			s.again++
		}
		s.opened++
		s.ends[string(e.State)+" "+string(e.Reason)]++
	}
	for _, r := range l.reports {
		for name, tally := range r.Playbooks {
			if by[name] != nil {
				by[name].held += tally.Quarantined
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		s := by[name]
		t.Logf("%-17s %4d enrolments, %d of them a subject's second or later, %d held; ended: %v", name, s.opened, s.again, s.held, s.ends)
	}
	counts, err := l.house.db.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("messages: %s", countWords(counts))
	kinds := map[string]int{}
	messages, _, err := l.house.db.Messages(t.Context(), store.MessageFilter{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		kinds[string(m.Kind)+" "+string(m.State)+" "+string(m.Reason)]++
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		t.Logf("    %4d %s", kinds[k], k)
	}
	l.compare(all)
}

// compare holds openings against the labels: how many of those who left or
// failed had been spoken of before, how long before, and how many of those
// spoken of did well all the same.
func (l *life) compare(all []steward.Enrolment) {
	end := steward.NoDay
	for day := range l.reports {
		if end == steward.NoDay || day > end {
			end = day
		}
	}
	for _, name := range l.house.book.Names() {
		first := map[steward.AccountID]steward.Day{}
		for _, e := range all {
			if d, ok := first[e.Subject.Account]; string(e.Playbook) == name && (!ok || l.dayOf(e.OpenedAt) < d) && e.Reason != steward.ReasonQuarantineExpired {
				first[e.Subject.Account] = l.dayOf(e.OpenedAt)
			}
		}
		hit, total := map[string]int{}, map[string]int{}
		var lead []int
		leavers, before := 0, 0
		for id, start := range l.data.start {
			if start > end {
				continue
			}
			result := l.data.result[id]
			total[result]++
			d, ok := first[id]
			if ok {
				hit[result]++
			}
			if left, gone := l.data.left[id]; gone && left >= start+28 && left <= end {
				leavers++
				if ok && d <= left {
					before++
					lead = append(lead, int(left-d))
				}
			}
		}
		slices.Sort(lead)
		median := 0
		if len(lead) > 0 {
			median = lead[len(lead)/2]
		}
		var parts []string
		for _, r := range slices.Sorted(maps.Keys(total)) {
			parts = append(parts, fmt.Sprintf("%s %d of %d", r, hit[r], total[r]))
		}
		l.t.Logf("%s was opened for: %s; of %d who left at least four weeks into a course it came before for %d, by %d days (median)", name, strings.Join(parts, ", "), leavers, before, median)
	}
}
