package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"steward"
)

// How much of a file Infer looks at.
const (
	sampleRows  = 2000
	sampleBytes = 8 << 20
)

// An Inference is what a sample of a file suggests about it: a starting point
// for a person, not something to import by.
type Inference struct {
	Name string   // the file's
	Kind FileKind // what its rows most likely are
	Why  string   // what speaks for that kind
	// Rows is how many rows were looked at; Whole that these were all.
	Rows  int
	Whole bool
	// Delimiter and Charset were sniffed; Delimiter is 0 for JSON Lines.
	Delimiter byte
	Charset   string
	// DateOrder is dmy or mdy where the sample proves it, "ask" where dates need
	// it and nothing proves it, "mixed" where both are proven; Decimal likewise
	// with "." and ",".
	DateOrder, Decimal string
	// AccountRepeats tells, for metrics, that one account has several rows on
	// one day, so that same_day is needed.
	AccountRepeats bool
	Columns        []Proposal
}

// A Proposal says what one column seems to hold.
type Proposal struct {
	Header string
	// Field is steward's name for it; empty where the column is best left out.
	Field string
	// Kind is what the values are.
	Kind steward.Kind
	// Declare tells that the workspace must declare Field, under fields, or under
	// metrics in a metrics file.
	Declare bool
	// Metric is the kind of metric, where Field is to be declared as one.
	Metric steward.MetricKind
	// Repeats tells that some value is there more than once.
	Repeats bool
	// Values is the values of a text column that has few, most frequent first.
	Values []string
	// Rejected is how many cells of the sample cannot be read as Kind: an import
	// rejects their rows.
	Rejected int
	// Confidence is sure, likely or guess.
	Confidence string
	// Reason is what speaks for it, in words.
	Reason string
}

// Infer reads the beginning of a file and proposes how to map it. The error is
// an *Error as Read gives it.
func Infer(name string, r io.Reader) (Inference, error) {
	s, whole, err := sample(name, r)
	if err != nil {
		return Inference{}, inFile(name, err)
	}
	inf := Inference{Name: name, Rows: s.rows, Whole: whole, Delimiter: s.comma, Charset: s.charset}
	inf.Kind, inf.Why = s.kind(path.Base(name))
	inf.Columns = s.propose(inf.Kind)
	inf.DateOrder, inf.Decimal = s.order(inf.Columns), s.decimal(inf.Columns)
	inf.AccountRepeats = inf.Kind == Metrics && s.repeats(inf.Columns)
	return inf, nil
}

// A sampling is the cells of the first rows, by column.
type sampling struct {
	header  []string
	columns []columnSample
	rows    int
	comma   byte
	charset string
	formsOf map[FileKind][][]string // of the headers, by kind and column
}

// A columnSample is what the cells of a column are.
type columnSample struct {
	cells    []string // "" where absent
	filled   int
	distinct int
	numbers  int
	dates    int
	days     int // dates, and numbers that are dates where a header says so
	misdated int // written like a date, and none: 31.06.2027
	zeros    int // figures that begin with a zero, as only names do: 01067
	flags    int
	yes      int // flags that are set
	emails   int
	whole    int // numbers without a fraction
	order    tally
	mark     tally
	bad      map[steward.Kind]string // the first cell that cannot be read as the kind
}

// share is the part of the filled cells that n is.
func (c *columnSample) share(n int) float64 {
	if c.filled == 0 {
		return 0
	}
	return float64(n) / float64(c.filled)
}

// sample reads the first rows.
func sample(name string, r io.Reader) (*sampling, bool, error) {
	once := func(string) (io.ReadCloser, error) { return io.NopCloser(r), nil }
	s, err := openStream(context.Background(), File{Path: name}, once, "")
	if err != nil {
		return nil, false, err
	}
	head, err := io.ReadAll(io.LimitReader(s, sampleBytes+1))
	if err != nil {
		return nil, false, unreadable(err)
	}
	whole := len(head) <= sampleBytes
	if i := bytes.LastIndexAny(head, "\r\n"); !whole && i > 0 {
		head = head[:i+1]
	}
	utf16 := s.utf16
	again := func() *stream {
		return &stream{Reader: bufio.NewReaderSize(bytes.NewReader(head), sniffBytes), raw: io.NopCloser(nil), counts: &counter{}, utf16: utf16}
	}
	t, err := sampleTable(name, again)
	if err != nil {
		return nil, false, err
	}
	out := &sampling{comma: t.comma, charset: "utf-8"}
	cells := utf8Charset
	if !utf16 && !utf8.Valid(head) {
		cells = windows1252
		out.charset = cells.name
	}
	for _, h := range t.header {
		out.header = append(out.header, strings.TrimSpace(h))
	}
	out.columns = make([]columnSample, len(t.header))
	more, err := out.fill(t, cells)
	return out, whole && !more, err
}

// sampleTable opens a sample as a table.
func sampleTable(name string, again func() *stream) (*table, error) {
	asJSON, err := isJSON(name)
	if err != nil {
		return nil, err
	}
	t := &table{stream: again(), cells: utf8Charset, json: asJSON}
	if !asJSON {
		return t, t.startCSV("")
	}
	if t.header, err = jsonColumns(again()); err != nil {
		return nil, err
	}
	if len(t.header) == 0 {
		return nil, &Error{Message: "holds no JSON object with names in it", Hint: "write one object per line"}
	}
	t.next = newJSONReader(t.stream, t.header).next
	return t, nil
}

// fill takes the sample's rows; more tells that there were more than it takes.
func (s *sampling) fill(t *table, cells charset) (more bool, err error) {
	var rec record
	for {
		err := t.next(&rec)
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, err
		}
		if rec.blank() || rec.bad != "" || !t.json && t.tooRagged(&rec) != "" {
			continue
		}
		if s.rows == sampleRows {
			more = true
			break
		}
		s.rows++
		for i := range s.columns {
			text, _ := cells.text(rec.cells[i])
			s.columns[i].add(rec.line, strings.TrimSpace(text))
		}
	}
	for i := range s.columns {
		s.columns[i].count()
	}
	return more, nil
}

func (c *columnSample) add(line int, text string) {
	if absentValue(text) {
		c.cells = append(c.cells, "")
		return
	}
	text = shorten(text, 200)
	c.cells = append(c.cells, text)
	c.filled++
	c.order.countOrder(line, text)
	c.mark.countMark(line, text)
}

// count tries every kind of value on the cells.
func (c *columnSample) count() {
	order := map[leaning]dateOrder{leansNowhere: orderDMY, leansA: orderDMY, leansB: orderMDY, leansBoth: orderMixed}[c.order.leaning()]
	mark := map[leaning]decimalMark{leansNowhere: markPoint, leansA: markPoint, leansB: markComma, leansBoth: markMixed}[c.mark.leaning()]
	seen := map[string]bool{}
	c.bad = map[steward.Kind]string{}
	for _, text := range c.cells {
		if text == "" {
			continue
		}
		if !seen[text] {
			seen[text] = true
			c.distinct++
		}
		if v, err := readNumber(text, mark); err == nil {
			c.numbers++
			if v == float64(int64(v)) {
				c.whole++
			}
		} else {
			c.cannotBe(steward.NumberKind, text)
		}
		if _, err := readDate(text, order, nil); err == nil {
			c.days++
			if !allDigits(text) {
				c.dates++
			}
		} else {
			c.cannotBe(steward.DateKind, text)
			if _, ok := splitDate(text); ok {
				c.misdated++
			}
		}
		if len(text) > 1 && text[0] == '0' && allDigits(text) {
			c.zeros++
		}
		if yes, err := readFlag(text); err == nil {
			c.flags++
			if yes {
				c.yes++
			}
		} else {
			c.cannotBe(steward.FlagKind, text)
		}
		if i := strings.LastIndexByte(text, '@'); i > 0 && strings.Contains(text[i:], ".") && !strings.ContainsAny(text, " \t") {
			c.emails++
		}
	}
}

func (c *columnSample) cannotBe(k steward.Kind, text string) {
	if _, told := c.bad[k]; !told {
		c.bad[k] = text
	}
}

// kindOf is what the values of a column are: nine tenths must be readable, or,
// among dates, at least look like one.
func (c *columnSample) kindOf() steward.Kind {
	const most = 0.9
	switch {
	case c.filled == 0:
		return steward.TextKind
	case c.share(c.dates+c.misdated) >= most && c.dates > c.misdated:
		return steward.DateKind
	case c.flags == c.filled && (c.distinct == 1 || c.distinct == 2 && c.yes > 0 && c.yes < c.flags): // x and y are both yes
		return steward.FlagKind
	case c.share(c.numbers) >= most && c.zeros == 0:
		return steward.NumberKind
	}
	return steward.TextKind
}

// rejected is how many cells cannot be read as a kind.
func (c *columnSample) rejected(k steward.Kind) int {
	switch k {
	case steward.DateKind:
		return c.filled - c.days
	case steward.NumberKind:
		return c.filled - c.numbers
	case steward.FlagKind:
		return c.filled - c.flags
	}
	return 0
}

// few is the values of a column that has at most six, most frequent first.
func (c *columnSample) few() []string {
	if c.distinct > 6 {
		return nil
	}
	count := map[string]int{}
	for _, text := range c.cells {
		if text != "" {
			count[text]++
		}
	}
	return slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
}

// kind decides what the rows are.
func (s *sampling) kind(file string) (FileKind, string) {
	type score struct {
		kind   FileKind
		points int
		why    []string
	}
	var scores []score
	for _, k := range FileKinds() {
		sc := score{kind: k}
		add := func(points int, why string) { sc.points += points; sc.why = append(sc.why, why) }
		if k.named(file) {
			add(3, "the file's name")
		}
		for _, c := range s.signs(k) {
			add(c.points, c.why)
		}
		scores = append(scores, sc)
	}
	// Of several as likely the more usual one.
	slices.SortStableFunc(scores, func(a, b score) int { return cmp.Compare(usual(a.kind), usual(b.kind)) })
	best := slices.MaxFunc(scores, func(a, b score) int { return cmp.Compare(a.points, b.points) })
	if best.points <= 0 {
		return Accounts, "nothing says otherwise"
	}
	return best.kind, strings.Join(best.why, ", ")
}

// usual ranks the kinds by how common their files are, the first the most.
func usual(k FileKind) int {
	return slices.Index([]FileKind{Accounts, Contracts, Contacts, Touches, Metrics, Tickets, Products, Surveys, Milestones, Objectives}, k)
}

type sign struct {
	points int
	why    string
}

// signs is what in the columns speaks for or against a kind.
func (s *sampling) signs(k FileKind) []sign {
	var out []sign
	see := func(points int, why string, is bool) {
		if is {
			out = append(out, sign{points, why})
		}
	}
	column := func(field string) int { return s.bestColumn(k, field) }
	unique := func(i int) bool {
		return i >= 0 && s.columns[i].filled > 0 && s.columns[i].distinct == s.columns[i].filled
	}
	dated := func(i int) bool { return i >= 0 && s.columns[i].kindOf() == steward.DateKind }
	switch k {
	case Accounts:
		id := column("id")
		see(3, "an account id that never repeats", unique(id))
		see(-4, "ids that repeat", id >= 0 && !unique(id) && s.rows > 1)
		see(1, "names", column("name") >= 0)
		see(1, "owners", column("owner") >= 0)
		see(1, "revenue", column("arr") >= 0)
		see(1, "a start", dated(column("start_date")))
	case Contracts:
		id, account := column("id"), column("account")
		see(3, "contracts' ids beside accounts' ids", unique(id) && account >= 0 && account != id)
		see(-3, "no account beside it", account < 0 || account == id)
		see(2, "an end", dated(column("end_date")))
		see(1, "amounts", column("amount") >= 0)
		see(1, "renewal terms", column("auto_renew") >= 0 || column("notice_date") >= 0 || column("notice_days") >= 0)
	case Contacts:
		see(5, "e-mail addresses", s.hasEmails())
		see(2, "people's names", column("first_name") >= 0 || column("last_name") >= 0)
		see(1, "roles", column("role") >= 0)
		see(-3, "no account beside it", column("account") < 0)
	case Touches:
		see(1, "days", dated(column("day")))
		see(1, "kinds of contact", column("kind") >= 0)
		see(1, "people", column("contact") >= 0 || column("by") >= 0)
		see(-2, "no account beside it", column("account") < 0)
	case Products:
		id, account := column("id"), column("account")
		see(2, "products' ids beside accounts' ids", unique(id) && account >= 0 && account != id)
		name := column("name")
		named := name >= 0 && !slices.Contains(s.forms(k)[name], "name")
		see(1, "products' names", named)
		see(1, "seats", column("seats") >= 0)
		see(2, "features", column("features") >= 0)
		see(-3, "no account beside it", account < 0 || account == id)
		see(-3, "amounts", s.bestColumn(Contracts, "amount") >= 0)
		see(-4, "no product", !named && column("features") < 0)
	case Tickets:
		id, account := column("id"), column("account")
		see(3, "tickets' ids beside accounts' ids", unique(id) && account >= 0 && account != id)
		see(2, "an opening", dated(column("opened")))
		see(2, "priorities", column("priority") >= 0)
		see(1, "closings", column("closed") >= 0 || column("status") >= 0)
		see(-4, "no account beside it", account < 0 || account == id)
		see(-4, "no opening", !dated(column("opened")))
		see(-3, "neither priorities nor closings", column("priority") < 0 && column("closed") < 0)
	case Surveys:
		account, score := column("account"), column("score")
		see(3, "scores", score >= 0 && s.columns[score].kindOf() == steward.NumberKind)
		see(3, "who answered", column("contact") >= 0)
		see(2, "days", dated(column("day")))
		see(-4, "no account beside it", account < 0)
		see(-4, "no score for each row", score < 0 || s.columns[score].kindOf() != steward.NumberKind)
		see(-4, "more numbers than an answer has", s.numberColumns() > 2)
	case Objectives:
		see(3, "targets", column("target") >= 0)
		see(3, "metrics", column("metric") >= 0)
		see(2, "baselines", column("baseline") >= 0)
		see(-4, "no account beside it", column("account") < 0)
		see(-4, "no target, or of no metric", column("target") < 0 || column("metric") < 0)
	case Milestones:
		name := column("name")
		see(5, "milestones", name >= 0 && slices.Contains(s.forms(k)[name], "milestone"))
		see(2, "days", dated(column("day")))
		see(-4, "no account beside it", column("account") < 0)
		see(-4, "no name or no day", name < 0 || !dated(column("day")))
		see(-2, "numbers", s.numberColumns() > 0)
	case Metrics:
		account, day := column("account"), column("day")
		see(3, "a day in each row", dated(day) && s.columns[day].filled == s.rows)
		see(3, "accounts that repeat", account >= 0 && s.columns[account].distinct < s.columns[account].filled)
		see(1, "numbers", s.numberColumns() > 0)
		see(-6, "no day", !dated(day)) // without one nothing of it can be read
		see(-3, "no account", account < 0)
	}
	return out
}

func (s *sampling) hasEmails() bool {
	return slices.ContainsFunc(s.columns, func(c columnSample) bool { return c.filled > 0 && c.share(c.emails) >= 0.8 })
}

func (s *sampling) numberColumns() int {
	n := 0
	for i := range s.columns {
		if s.columns[i].kindOf() == steward.NumberKind {
			n++
		}
	}
	return n
}

// bestColumn is the column that a kind's field is most likely in by its
// header; -1 for none. Of several that may be an account's id, one that never
// repeats goes first.
func (s *sampling) bestColumn(k FileKind, field string) int {
	found := s.candidates(k, field)
	if k == Accounts && field == "id" {
		for _, i := range found {
			if c := &s.columns[i]; c.filled > 0 && c.distinct == c.filled {
				return i
			}
		}
	}
	if len(found) == 0 {
		return -1
	}
	return found[0]
}

// candidates is the columns that a field may be in by their headers, the most
// likely first.
func (s *sampling) candidates(k FileKind, field string) []int {
	var found []int
	take := func(is func(form string) bool) {
		for depth := range 8 { // the strictest form of any header goes first
			for i, forms := range s.forms(k) {
				if depth < len(forms) && is(forms[depth]) && !slices.Contains(found, i) {
					found = append(found, i)
				}
			}
		}
	}
	ofAccount := k == Accounts && field == "id" || k != Accounts && field == "account"
	for _, word := range synonyms[k][field] {
		if !ofAccount || !bareSubject(word) {
			take(func(form string) bool { return form == word })
		}
	}
	if !ofAccount {
		return found
	}
	take(accountIDWord)
	for _, word := range synonyms[k][field] {
		if bareSubject(word) && len(found) == 0 {
			take(func(form string) bool { return form == word })
		}
	}
	return found
}

// forms is the forms of every header, by column.
func (s *sampling) forms(k FileKind) [][]string {
	if s.formsOf == nil {
		s.formsOf = map[FileKind][][]string{}
	}
	if s.formsOf[k] == nil {
		forms := make([][]string, len(s.header))
		for i, h := range s.header {
			forms[i] = headerForms(k, h)
		}
		s.formsOf[k] = forms
	}
	return s.formsOf[k]
}

// propose maps the columns for a kind.
func (s *sampling) propose(k FileKind) []Proposal {
	out := make([]Proposal, len(s.header))
	for i, h := range s.header {
		out[i] = Proposal{Header: h, Kind: s.columns[i].kindOf(), Repeats: s.columns[i].distinct < s.columns[i].filled}
		if out[i].Kind == steward.FlagKind && countsSomething(h) {
			out[i].Kind = steward.NumberKind
		}
		if k == Accounts && out[i].Kind == steward.NumberKind && namesAnID(h) {
			out[i].Kind = steward.TextKind
		}
	}
	for _, t := range targets(k, Schema{}) {
		i := s.bestColumn(k, t.name)
		if i < 0 || out[i].Field != "" || !s.fits(i, t) {
			continue
		}
		p := &out[i]
		p.Field, p.Kind = t.name, t.kind
		p.Confidence, p.Reason = s.trust(k, i, t)
	}
	if k == Metrics && !slices.ContainsFunc(out, func(p Proposal) bool { return p.Field == "value" }) {
		dropField(out, "metric") // a name without a value beside it is a breakdown, not a long file
	} else if k == Metrics && !slices.ContainsFunc(out, func(p Proposal) bool { return p.Field == "metric" }) {
		dropField(out, "value")
	}
	s.declare(k, out)
	for i := range out {
		if p := &out[i]; p.Field != "" {
			p.Rejected = s.columns[i].rejected(p.Kind)
		}
		if out[i].Kind == steward.TextKind {
			out[i].Values = s.columns[i].few()
		}
	}
	return out
}

func dropField(ps []Proposal, field string) {
	for i := range ps {
		if ps[i].Field == field {
			ps[i] = Proposal{Header: ps[i].Header, Kind: ps[i].Kind, Repeats: ps[i].Repeats}
		}
	}
}

// fits tells whether a column's values can be read as a field's kind: eight
// tenths of them, so that a dirty column is mapped and its dirt rejected.
func (s *sampling) fits(i int, t target) bool {
	const enough = 0.8
	c := &s.columns[i]
	switch {
	case c.filled == 0 || t.kind == steward.TextKind:
		return true
	case t.kind == steward.NumberKind:
		return c.share(c.numbers) >= enough
	case t.kind == steward.DateKind:
		return c.share(c.days+c.misdated) >= enough && c.days >= c.misdated
	}
	return c.share(c.flags) >= enough
}

// trust says how sure a mapping is, and why.
func (s *sampling) trust(k FileKind, i int, t target) (confidence, reason string) {
	c := &s.columns[i]
	h := normalHeader(s.header[i])
	own := slices.ContainsFunc(append(slices.Clone(t.also), t.name), func(n string) bool { return normalHeader(n) == h })
	weak := slices.ContainsFunc(s.forms(k)[i], func(f string) bool { return weakWords[f] && slices.Contains(synonyms[k][t.name], f) })
	switch {
	case c.filled == 0:
		return "guess", "the header, but every cell is empty"
	case t.name == "id" && c.distinct < c.filled:
		repeat := fmt.Sprintf("%d of %d ids repeat", c.filled-c.distinct, c.filled)
		if k == Accounts && len(s.candidates(k, "id")) == 1 { // without an id nothing can be imported at all
			return "likely", "the only header of an id, but " + repeat + ": a later row with other values will be rejected"
		}
		return "guess", "the header, but " + repeat
	case t.name == "email" && c.share(c.emails) < 0.8:
		return "guess", "the header, but few cells are addresses"
	case own:
		return "sure", "the header is Steward's own name" + c.readable(t.kind)
	case t.name == "status" && slices.ContainsFunc(c.few(), saysCustomer):
		return "likely", "the header, and that it says who is a customer"
	case weak:
		return "guess", "the header, which is used for other things too" + c.readable(t.kind)
	}
	return "likely", "the header" + c.readable(t.kind)
}

// saysCustomer tells a status that can mean nothing else.
func saysCustomer(text string) bool {
	switch strings.ToLower(text) {
	case "customer", "client", "kunde":
		return true
	}
	return false
}

// readable says how many cells were read as the kind, and what becomes of the
// others.
func (c *columnSample) readable(k steward.Kind) string {
	what := map[steward.Kind]string{steward.NumberKind: "numbers", steward.DateKind: "dates", steward.FlagKind: "yes or no"}[k]
	if what == "" {
		return ""
	}
	bad := c.rejected(k)
	said := fmt.Sprintf(", and %d of %d values are %s", c.filled-bad, c.filled, what)
	switch {
	case bad == 1:
		said += fmt.Sprintf("; the row with %q will be rejected", shorten(c.bad[k], 40))
	case bad > 1:
		said += fmt.Sprintf("; the %d rows with the others, such as %q, will be rejected", bad, shorten(c.bad[k], 40))
	}
	return said
}

// declare proposes fields and metrics of the workspace's own for the columns
// left over.
func (s *sampling) declare(k FileKind, ps []Proposal) {
	if k != Accounts && k != Metrics {
		return
	}
	long := slices.ContainsFunc(ps, func(p Proposal) bool { return p.Field == "value" })
	taken := takenNames()
	for i := range ps {
		p, c := &ps[i], &s.columns[i]
		name := plainName(p.Header)
		if taken[name] && name != "" {
			name = "our_" + name
		}
		switch {
		case p.Field != "":
			continue
		case c.filled == 0:
			p.Reason = "every cell is empty"
			continue
		case taken[name] || name == "":
			p.Reason = "its name is taken, or has no letter to make a name of"
			continue
		case k == Metrics && (long || c.share(c.numbers) < 0.9 || namesAnID(p.Header)):
			p.Reason = "not a number for each day"
			continue
		case k == Accounts && p.Kind == steward.TextKind && (c.share(c.emails) > 0.5 || c.distinct > 50 && c.distinct*2 > c.filled):
			p.Reason = "nearly every row has another text, which no condition could name"
			continue
		}
		taken[name] = true
		p.Field, p.Declare, p.Confidence = name, true, "likely"
		if k == Metrics {
			p.Kind, p.Metric = steward.NumberKind, metricKind(name)
			p.Reason = fmt.Sprintf("%d of %d values are numbers", c.numbers, c.filled)
			continue
		}
		p.Reason = fmt.Sprintf("%d different values", c.distinct)
		if r := c.readable(p.Kind); r != "" {
			p.Reason = strings.TrimPrefix(r, ", and ")
		}
	}
}

// takenNames is the names that mean something in conditions already: the
// workspace cannot declare them again.
func takenNames() map[string]bool {
	taken := map[string]bool{}
	// What only tickets or products have is read by functions, or by playbooks
	// about products, and is free on accounts.
	for _, k := range []FileKind{Accounts, Contracts, Contacts, Touches, Metrics} {
		for _, t := range targets(k, Schema{}) {
			taken[t.name] = true
		}
	}
	for _, w := range strings.Fields("and or not in contains true false unknown acked health grade stuck escalated renewing days_in_stage") {
		taken[w] = true
	}
	return taken
}

// metricKind guesses from a name whether days without a row are zero.
func metricKind(name string) steward.MetricKind {
	for _, word := range strings.Split(name, "_") {
		for _, w := range []string{"user", "seat", "licen", "score", "ratio", "rate", "share", "percent", "avg", "level", "balance", "total", "storage", "nutzer", "wau", "mau"} {
			if strings.HasPrefix(word, w) {
				return steward.Gauge
			}
		}
	}
	return steward.Count
}

// countsSomething tells headers of numbers that may be 0 and 1 by chance.
func countsSomething(header string) bool {
	h := strings.ToLower(header)
	return strings.HasPrefix(h, "num") || strings.Contains(h, "count") || strings.HasPrefix(h, "anzahl")
}

// plainName makes a header into a name that conditions can use; "" where
// nothing is left of it.
func plainName(header string) string {
	header = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "%", " percent ").Replace(strings.ToLower(header))
	var b strings.Builder
	for _, r := range header {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		if b.Len() >= 60 {
			break
		}
	}
	return strings.Trim(b.String(), "_")
}

// order is the date order of all columns that hold dates.
func (s *sampling) order(ps []Proposal) string {
	var dmy, mdy, unsure bool
	for i, p := range ps {
		if p.Field == "" || p.Kind != steward.DateKind {
			continue
		}
		switch t := &s.columns[i].order; t.leaning() {
		case leansA:
			dmy = true
		case leansB:
			mdy = true
		case leansBoth:
			dmy, mdy = true, true
		default:
			unsure = unsure || t.unsure > 0
		}
	}
	return verdictOf(dmy, mdy, unsure, "dmy", "mdy")
}

// decimal is the decimal mark of all columns that hold numbers.
func (s *sampling) decimal(ps []Proposal) string {
	var point, comma, unsure bool
	for i, p := range ps {
		if p.Field == "" || p.Kind != steward.NumberKind {
			continue
		}
		switch t := &s.columns[i].mark; t.leaning() {
		case leansA:
			point = true
		case leansB:
			comma = true
		case leansBoth:
			point, comma = true, true
		default:
			unsure = unsure || t.unsure > 0
		}
	}
	return verdictOf(point, comma, unsure, ".", ",")
}

func verdictOf(a, b, unsure bool, nameA, nameB string) string {
	switch {
	case a && b:
		return "mixed"
	case a:
		return nameA
	case b:
		return nameB
	case unsure:
		return "ask"
	}
	return ""
}

// repeats tells whether an account has two rows on one day.
func (s *sampling) repeats(ps []Proposal) bool {
	find := func(field string) int {
		return slices.IndexFunc(ps, func(p Proposal) bool { return p.Field == field })
	}
	account, day, metric := find("account"), find("day"), find("metric")
	if account < 0 || day < 0 {
		return false
	}
	seen := map[string]bool{}
	for row := range s.rows {
		key := s.columns[account].cells[row] + "\x00" + s.columns[day].cells[row]
		if metric >= 0 {
			key += "\x00" + s.columns[metric].cells[row]
		}
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}
