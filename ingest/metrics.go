package ingest

import (
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"steward"
	"steward/series"
)

// A point is one row's value of one metric on one day.
type point struct {
	day   steward.Day
	row   uint32 // the source's row it came from, for messages
	value float64
}

// tracks collects the points of every account and metric. Points are kept in
// the order of the files, 16 bytes each; rows of one day that follow each
// other, as they do in sorted exports, are joined at once.
type tracks struct {
	names   []string // the declared metrics
	sameDay string
	files   []fileRows
	// byAccount holds, for each account, the points by place of the metric in names.
	byAccount map[steward.AccountID][][]point
	account   steward.AccountID // the one looked up last
	current   [][]point
	used      []bool // by place of the metric: some row named it
	nextFile  uint32 // the number of the first row of a file to come
}

// fileRows says which of the source's rows a file has.
type fileRows struct {
	path  string
	first uint32
}

func newTracks(specs []steward.MetricSpec, sameDay string) *tracks {
	t := &tracks{sameDay: sameDay, byAccount: map[steward.AccountID][][]point{}, used: make([]bool, len(specs))}
	for _, s := range specs {
		t.names = append(t.names, s.Name)
	}
	return t
}

// named is the metrics that rows named, in the order of the declaration.
func (t *tracks) named() []string {
	var out []string
	for i, used := range t.used {
		if used {
			out = append(out, t.names[i])
		}
	}
	return out
}

// add puts a value on a day. row numbers the rows of the whole source.
func (t *tracks) add(account steward.AccountID, metric int, p point) {
	if t.current == nil || account != t.account {
		t.account = account
		t.current = t.byAccount[account]
		if t.current == nil {
			t.current = make([][]point, len(t.names))
			t.byAccount[account] = t.current
		}
	}
	t.used[metric] = true
	track := &t.current[metric]
	if n := len(*track); n > 0 && (*track)[n-1].day == p.day {
		switch t.sameDay {
		case SameDaySum:
			(*track)[n-1].value += p.value
			return
		case SameDayLast:
			(*track)[n-1] = p
			return
		}
	}
	*track = append(*track, p)
}

// build makes the series.
func (t *tracks) build() (map[SeriesKey]series.Series, error) {
	out := make(map[SeriesKey]series.Series, len(t.byAccount))
	var repeated repetition
	for account, metrics := range t.byAccount {
		for m, points := range metrics {
			if len(points) == 0 {
				continue
			}
			points = t.settle(points, SeriesKey{account, t.names[m]}, &repeated)
			s, err := buildSeries(points)
			if err != nil {
				return nil, &Error{Message: fmt.Sprintf("account %q, metric %s", account, t.names[m]), Err: err, Hint: "mend the rows of that day"}
			}
			out[SeriesKey{account, t.names[m]}] = s
		}
	}
	if repeated.count > 0 {
		return nil, t.repeatedDays(repeated)
	}
	return out, nil
}

// A repetition is the account-days that have more than one row.
type repetition struct {
	count       int
	key         SeriesKey
	first, next point
}

// settle sorts points by day and joins those of one day.
func (t *tracks) settle(points []point, key SeriesKey, repeated *repetition) []point {
	byDay := func(a, b point) int { return int(a.day) - int(b.day) }
	if !slices.IsSortedFunc(points, byDay) {
		slices.SortStableFunc(points, byDay)
	}
	joined := points[:1]
	for _, p := range points[1:] {
		last := &joined[len(joined)-1]
		if p.day != last.day {
			joined = append(joined, p)
			continue
		}
		switch t.sameDay {
		case SameDaySum:
			last.value += p.value
		case SameDayLast:
			*last = p
		default:
			repeated.see(key, *last, p)
		}
	}
	return joined
}

// see counts a repetition and keeps the one that comes first in the files.
func (r *repetition) see(key SeriesKey, first, next point) {
	if r.count++; r.count == 1 || next.row < r.next.row || next.row == r.next.row && key.Metric < r.key.Metric {
		r.key, r.first, r.next = key, first, next
	}
}

func (t *tracks) repeatedDays(r repetition) error {
	file, line := t.place(r.next.row)
	firstFile, firstLine := t.place(r.first.row)
	where := fmt.Sprintf("line %d", firstLine)
	if firstFile != file {
		where += " of " + firstFile
	}
	more := ""
	if r.count > 1 {
		more = fmt.Sprintf(", and %d more like it", r.count-1)
	}
	return &Error{File: file, Line: line,
		Message: fmt.Sprintf("account %q has a value of %s for %s already, on %s%s", r.key.Account, r.key.Metric, r.next.day, where, more),
		Hint:    "set same_day: sum for the source if the rows of a day are to be added up, or same_day: last if the last one counts"}
}

// place tells file and line of a row of the source.
func (t *tracks) place(row uint32) (string, int) {
	for _, f := range slices.Backward(t.files) {
		if row >= f.first {
			return f.path, int(row - f.first)
		}
	}
	return "", 0
}

func buildSeries(points []point) (series.Series, error) {
	var b series.Builder
	for _, p := range points {
		b.Add(p.day, p.value)
	}
	return b.Build()
}

// metricsTaker reads the rows of a metrics file, wide (a column per metric) or
// long (metric and value columns).
type metricsTaker struct {
	*reading
	first   uint32 // the number of the file's line 0 among the source's
	join    map[string]steward.AccountID
	wide    []wideMetric
	long    bool
	places  map[string]int // the metric column's text, normalised, to the place of the metric
	rowIDs  map[[2]uint64]uint64
	seeds   [3]maphash.Seed
	hasRow  bool
	through int
}

type wideMetric struct {
	target *target
	place  int // in the declared metrics
}

func (r *reading) metricsTaker(f File, row *row) (*metricsTaker, error) {
	b := row.survey.binding
	m := &metricsTaker{reading: r, long: b.byName["metric"].mapped(), through: b.through, hasRow: b.byName["row"].column >= 0, rowIDs: map[[2]uint64]uint64{}, places: map[string]int{}}
	m.first = r.tracks.nextFile
	r.tracks.files = append(r.tracks.files, fileRows{f.Path, m.first})
	for i := range m.seeds {
		m.seeds[i] = maphash.MakeSeed()
	}
	for i, spec := range r.schema.Metrics {
		m.places[normalHeader(spec.Name)] = i
		if t := b.byName[spec.Name]; t.mapped() {
			m.wide = append(m.wide, wideMetric{t, i})
		}
	}
	for alias, name := range b.aliases {
		m.places[alias] = slices.IndexFunc(r.schema.Metrics, func(s steward.MetricSpec) bool { return s.Name == name })
	}
	if f.Via != nil {
		var err error
		if m.join, err = r.readJoin(*f.Via); err != nil {
			return nil, err
		}
	}
	row.ignored, row.counts = map[string]*Reject{}, map[string]int{}
	return m, nil
}

// take reads one row of the file.
func (m *metricsTaker) take(r *row) error {
	number := m.first + uint32(r.rec.line)
	m.tracks.nextFile = number + 1
	if m.hasRow {
		if again, err := m.repeatedRow(r); again {
			return err
		}
	}
	account := m.accountOf(r)
	day := r.day("day")
	if r.fail != nil {
		return nil
	}
	if m.through >= 0 {
		if s, ok := r.cell(m.through); ok && !absentValue(s) {
			m.reading.through = max(m.reading.through, r.dateIn(s, m.through))
		}
		if r.fail != nil {
			return nil
		}
	}
	if m.long {
		m.takeLong(r, account, day, number)
		return nil
	}
	m.takeWide(r, account, day, number)
	return nil
}

// takeWide reads all values before it adds the first, so that a row is taken
// whole or not at all.
func (m *metricsTaker) takeWide(r *row, account steward.AccountID, day steward.Day, number uint32) {
	var few [16]steward.Value
	values := few[:0]
	for _, w := range m.wide {
		values = append(values, r.number(w.target.name))
	}
	if r.fail != nil {
		return
	}
	for i, v := range values {
		if v.Known {
			m.tracks.add(account, m.wide[i].place, point{day, number, v.Num})
		}
	}
}

func (m *metricsTaker) takeLong(r *row, account steward.AccountID, day steward.Day, number uint32) {
	name, column := r.raw("metric", absentText)
	if name == "" {
		r.reject(column, "names no metric; give the row one, or remove it", "")
		return
	}
	place, ok := m.places[normalHeader(name)]
	if !ok {
		m.ignore(r, name, column)
		return
	}
	v := r.number("value")
	if r.fail == nil && v.Known {
		r.survey.binding.byName[m.tracks.names[place]].filled++
		m.tracks.add(account, place, point{day, number, v.Num})
	}
}

// ignore passes over a metric that the workspace does not declare. Long exports
// hold everything that a product measures, so that is no fault of the row; it
// is told once a name.
func (m *metricsTaker) ignore(r *row, name string, column int) {
	key := normalHeader(name)
	if _, ok := r.ignored[key]; !ok {
		if len(r.ignored) >= 100 {
			key = ""
		}
		if _, ok := r.ignored[key]; !ok {
			x := r.note(column, "", name)
			r.ignored[key] = &x
		}
	}
	r.counts[key]++
}

// ignoredMetrics notes what was passed over.
func (r *reading) ignoredMetrics(f File, row *row) {
	var notes []Reject
	for key, x := range row.ignored {
		x.Warning = true
		x.Reason = fmt.Sprintf("is a metric that the workspace does not declare: %d rows of it were left out; declare it under metrics to keep them", row.counts[key])
		if key == "" {
			x.Reason = fmt.Sprintf("and other metrics that the workspace does not declare: %d rows of them were left out", row.counts[key])
		}
		notes = append(notes, *x)
	}
	slices.SortFunc(notes, func(a, b Reject) int { return a.Line - b.Line })
	for _, n := range notes {
		r.keepReject(n)
	}
}

// accountOf is the account of a row, by its own column or through the join.
func (m *metricsTaker) accountOf(r *row) steward.AccountID {
	if m.join == nil {
		return steward.AccountID(m.accountID(r.key("account")))
	}
	key := r.key("key")
	if r.fail != nil {
		return ""
	}
	account, ok := m.join[key]
	column := r.survey.binding.byName["key"].column
	switch {
	case !ok:
		r.reject(column, fmt.Sprintf("is not in %s, so its account is not known; add it there, or remove the row", r.file.Via.File), key)
	case account == "":
		r.reject(column, fmt.Sprintf("belongs to more than one account in %s; mend it there", r.file.Via.File), key)
	}
	return account
}

// repeatedRow tells a row whose own id was there before: an identical one is
// dropped, another one is settled as duplicates says. DuplicatesLast means the
// same as no setting: what the earlier row added cannot be taken back. Ids and rows are kept as
// hashes of 128 and 64 bits, so that ten million of them fit in memory.
func (m *metricsTaker) repeatedRow(r *row) (bool, error) {
	t := r.survey.binding.byName["row"]
	id := r.rec.cells[t.column]
	if len(id) == 0 {
		return false, nil
	}
	key := [2]uint64{maphash.Bytes(m.seeds[0], id), maphash.Bytes(m.seeds[1], id)}
	var h maphash.Hash
	h.SetSeed(m.seeds[2])
	for _, c := range r.rec.cells {
		h.Write(c)
		h.WriteByte(0)
	}
	sum := h.Sum64()
	before, again := m.rowIDs[key]
	if !again {
		m.rowIDs[key] = sum
		return false, nil
	}
	if before != sum && r.file.Duplicates == DuplicatesError {
		return true, &Error{Line: r.rec.line, Message: fmt.Sprintf("%q is the id of an earlier row too, with other values", shorten(string(id), 40)), Hint: "mend the export, or leave duplicates out, so that such rows are rejected"}
	}
	if before != sum && r.file.Duplicates != DuplicatesFirst {
		r.reject(t.column, "is the id of an earlier row too, with other values; mend the export, or leave row out of columns if it is not meant to be unique", strings.ToValidUTF8(string(id), "�"))
	}
	return true, nil
}

// readJoin reads which account each key belongs to. A key with two accounts is
// kept without one, so that its rows are rejected rather than guessed.
func (r *reading) readJoin(j Join) (map[string]steward.AccountID, error) {
	f := File{Path: j.File}
	columns, err := r.jsonHeader(f)
	if err != nil {
		return nil, inFile(j.File, err)
	}
	t, err := r.openTable(f, utf8Charset, columns)
	if err != nil {
		return nil, inFile(j.File, err)
	}
	defer t.close()
	b := &binding{file: j.File, header: t.header}
	key, err := b.find(j.Key, "via.key")
	if err != nil {
		return nil, err
	}
	account, err := b.find(j.Account, "via.account")
	if err != nil {
		return nil, err
	}
	out := map[string]steward.AccountID{}
	err = r.each(f, t, 0, 1, func(rec *record) error {
		if rec.bad != "" || max(key, account) >= len(rec.cells) {
			return nil
		}
		k := cellText(rec.cells[key], utf8.Valid(rec.cells[key]))
		a := steward.AccountID(r.accountID(cellText(rec.cells[account], utf8.Valid(rec.cells[account]))))
		if k == "" || a == "" {
			return nil
		}
		if before, ok := out[k]; ok && before != a {
			a = ""
		}
		out[k] = a
		return nil
	})
	if err != nil && err != io.EOF {
		return nil, inFile(j.File, err)
	}
	if t.lines.unended {
		r.batch.Unended = append(r.batch.Unended, j.File)
	}
	return out, nil
}
