package configs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// sourceBlock is one entry of sources.
type sourceBlock struct {
	Name            strictyaml.Scalar    `yaml:"name,required" doc:"The source's name."`
	CSV             *filesBlock          `yaml:"csv" doc:"Files of comma- or otherwise separated values."`
	JSONL           *filesBlock          `yaml:"jsonl" doc:"Files with one JSON object a line."`
	CompleteThrough strictyaml.Scalar    `yaml:"complete_through" doc:"Through which day the source is whole: yesterday, a lag such as 2d, a date, or column:NAME." examples:"yesterday;2d;column:exported_at"`
	FreshWithin     *strictyaml.Duration `yaml:"fresh_within" doc:"How long after its last complete day the source is good; after it, conditions on it are unknown. Default 36h for metrics, else for ever."`
	Full            bool                 `yaml:"full" doc:"true says the files are complete lists: what they leave out is gone. Default false."`
	AccountIDs      strictyaml.Scalar    `yaml:"account_ids" doc:"How account ids are spelt, where not as they stand." enum:"salesforce"`
}

// filesBlock is the files of a source and how they are written.
type filesBlock struct {
	Pos       strictyaml.Pos    `yaml:",pos"`
	Accounts  strictyaml.Scalar `yaml:"accounts" doc:"The file of accounts."`
	Contracts strictyaml.Scalar `yaml:"contracts" doc:"The file of contracts."`
	Contacts  strictyaml.Scalar `yaml:"contacts" doc:"The file of people at customers."`
	Touches   strictyaml.Scalar `yaml:"touches" doc:"The file of calls, meetings and mails by people."`
	Metrics   strictyaml.Scalar `yaml:"metrics" doc:"The file of daily figures."`

	Products   strictyaml.Scalar `yaml:"products" doc:"The file of what accounts have bought, with seats and features."`
	Tickets    strictyaml.Scalar `yaml:"tickets" doc:"The file of what customers asked support for."`
	Surveys    strictyaml.Scalar `yaml:"surveys" doc:"The file of answers to surveys: NPS and CSAT."`
	Objectives strictyaml.Scalar `yaml:"objectives" doc:"The file of what customers set out to reach."`
	Milestones strictyaml.Scalar `yaml:"milestones" doc:"The file of milestones that accounts have reached."`

	Columns    byKind            `yaml:"columns" doc:"Steward's names to the headers of the file; with several files, a level for each kind of file."`
	Defaults   byKind            `yaml:"defaults" doc:"What to read where a cell is empty, by Steward's names; with several files, a level for each kind of file."`
	Duplicates strictyaml.Scalar `yaml:"duplicates" doc:"What a repeated id means. Default error." enum:"error|first|last"`
	SameDay    strictyaml.Scalar `yaml:"same_day" doc:"What several rows of one account and day mean. Default error." enum:"sum|last|error"`
	DateOrder  strictyaml.Scalar `yaml:"date_order" doc:"How dates are ordered, where the file leaves it open." enum:"dmy|mdy|ymd"`
	Decimal    strictyaml.Scalar `yaml:"decimal" doc:"The decimal mark, where the file leaves it open." enum:".|,"`
	Charset    strictyaml.Scalar `yaml:"charset" doc:"The file's encoding, where it cannot be told." enum:"utf-8|utf-16|utf-16le|utf-16be|windows-1252|windows-1250|iso-8859-1|iso-8859-15|macintosh"`
	Delimiter  strictyaml.Scalar `yaml:"delimiter" doc:"What separates cells: one character in quotes, or tab." examples:",;tab"`
	Via        *joinBlock        `yaml:"via" doc:"Finds the account of a row through another file."`
}

type joinBlock struct {
	File    strictyaml.Scalar `yaml:"file,required" doc:"The file to look in."`
	Key     strictyaml.Scalar `yaml:"key,required" doc:"The column that both files have."`
	Account strictyaml.Scalar `yaml:"account,required" doc:"The column that names the account."`
}

// byKind is a map of names, either for the one file of the block or, a level
// deeper, for each of its kinds of file.
type byKind struct {
	flat  strictyaml.Entries[strictyaml.Scalar]
	kinds map[string]strictyaml.Entries[strictyaml.Scalar]
	pos   strictyaml.Pos
}

// DecodeYAML reads either form.
func (b *byKind) DecodeYAML(d *strictyaml.Decoder, n *strictyaml.Node) {
	b.pos = strictyaml.PosOf(n)
	if len(n.Content) > 1 && len(n.Content[1].Content) > 0 {
		var k struct {
			Accounts   strictyaml.Entries[strictyaml.Scalar] `yaml:"accounts" doc:"Those of the accounts file."`
			Contracts  strictyaml.Entries[strictyaml.Scalar] `yaml:"contracts" doc:"Those of the contracts file."`
			Contacts   strictyaml.Entries[strictyaml.Scalar] `yaml:"contacts" doc:"Those of the contacts file."`
			Products   strictyaml.Entries[strictyaml.Scalar] `yaml:"products" doc:"Those of the products file."`
			Touches    strictyaml.Entries[strictyaml.Scalar] `yaml:"touches" doc:"Those of the touches file."`
			Tickets    strictyaml.Entries[strictyaml.Scalar] `yaml:"tickets" doc:"Those of the tickets file."`
			Surveys    strictyaml.Entries[strictyaml.Scalar] `yaml:"surveys" doc:"Those of the surveys file."`
			Objectives strictyaml.Entries[strictyaml.Scalar] `yaml:"objectives" doc:"Those of the objectives file."`
			Milestones strictyaml.Entries[strictyaml.Scalar] `yaml:"milestones" doc:"Those of the milestones file."`
			Metrics    strictyaml.Entries[strictyaml.Scalar] `yaml:"metrics" doc:"Those of the metrics file."`
		}
		d.Decode(n, &k)
		b.kinds = map[string]strictyaml.Entries[strictyaml.Scalar]{"accounts": k.Accounts, "contracts": k.Contracts, "contacts": k.Contacts, "products": k.Products, "touches": k.Touches,
			"tickets": k.Tickets, "surveys": k.Surveys, "objectives": k.Objectives, "milestones": k.Milestones, "metrics": k.Metrics}
		return
	}
	d.Decode(n, &b.flat)
}

// paths is the block's files by kind, in the order in which they are read.
func (b *filesBlock) paths() []strictyaml.Scalar {
	return []strictyaml.Scalar{b.Accounts, b.Contracts, b.Contacts, b.Products, b.Touches, b.Tickets, b.Surveys, b.Objectives, b.Milestones, b.Metrics}
}

func (l *loader) sources(blocks []sourceBlock) {
	lines := map[string]int{}
	for _, b := range blocks {
		if b.Name.Value != "" {
			if line, twice := lines[b.Name.Value]; twice {
				l.wrong(b.Name, fmt.Sprintf("the source %q is given twice; the first is on line %d", b.Name.Value, line), "give each source a name of its own")
				continue
			}
			if lines[b.Name.Value] = b.Name.Pos.Line; !plainName.MatchString(strings.ReplaceAll(b.Name.Value, "-", "_")) {
				l.wrong(b.Name, fmt.Sprintf("%q cannot be the name of a source", b.Name.Value), "use lower-case letters, digits, - and _, beginning with a letter")
			}
		}
		if s, ok := l.source(b); ok {
			l.w.Sources = append(l.w.Sources, s)
		}
	}
}

func (l *loader) source(b sourceBlock) (Source, bool) {
	s := Source{Name: b.Name.Value, Full: b.Full}
	switch {
	case b.CSV != nil && b.JSONL != nil:
		l.wrong(b.Name, "the source has both csv: and jsonl:", "make two sources of it: each is imported whole or not at all")
		return s, false
	case b.CSV != nil:
		l.files(&s, b.CSV, "csv", []string{".csv", ".tsv", ".txt"})
	case b.JSONL != nil:
		l.files(&s, b.JSONL, "jsonl", []string{".jsonl", ".ndjson", ".json"})
	default:
		l.wrong(b.Name, "the source names no files", "add csv: {accounts: accounts.csv} or jsonl: {…}")
		return s, false
	}
	s.AccountIDs = l.oneOf(b.AccountIDs, "account_ids", "salesforce")
	s.CompleteThrough = l.completeThrough(b.CompleteThrough)
	metrics := slices.ContainsFunc(s.Files, func(f SourceFile) bool { return f.Kind == "metrics" })
	if metrics {
		s.FreshWithin = defaultFreshWithin
	}
	if b.FreshWithin != nil {
		s.FreshWithin = b.FreshWithin.Std()
		if s.FreshWithin == 0 {
			l.wrong(b.Name, "fresh_within: 0 would make the source stale at every moment", "write how old it may be, such as 36h")
		}
	}
	return s, true
}

func (l *loader) files(s *Source, b *filesBlock, format string, endings []string) {
	for i, v := range b.paths() {
		if v.Pos.IsZero() {
			continue
		}
		kind := fileKinds[i]
		f := SourceFile{Kind: kind, Path: l.export(v, format, endings), Duplicates: l.oneOf(b.Duplicates, "duplicates", "error", "first", "last")}
		if f.Path != "" {
			s.Files = append(s.Files, f)
		}
	}
	if !slices.ContainsFunc(b.paths(), func(v strictyaml.Scalar) bool { return !v.Pos.IsZero() }) {
		l.problems = append(l.problems, b.Pos.Problem(FileName, "source "+s.Name, 1, "no file is named", "add "+strings.Join(fileKinds, ":, ")+": with a path", l.src))
	}
	l.spread(s, b.Columns, "columns", func(f *SourceFile) *map[string]string { return &f.Columns })
	l.spread(s, b.Defaults, "defaults", func(f *SourceFile) *map[string]string { return &f.Defaults })
	l.join(s, b, format, endings)
	s.SameDay = l.oneOf(b.SameDay, "same_day", "sum", "last", "error")
	s.DateOrder = l.oneOf(b.DateOrder, "date_order", "dmy", "mdy", "ymd")
	s.Decimal = l.oneOf(b.Decimal, "decimal", ".", ",")
	s.Charset = l.oneOf(b.Charset, "charset", "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "iso-8859-1", "iso-8859-15", "macintosh")
	s.Delimiter = l.delimiter(b.Delimiter)
}

// export is the path of a file that rows are read from; "" after a problem.
// Rows that cannot be read are quoted to people, so a slip must not make rows
// of the machine's other files.
func (l *loader) export(v strictyaml.Scalar, format string, endings []string) string {
	name := strings.TrimSuffix(strings.ToLower(v.Value), ".gz")
	if !slices.Contains(endings, path.Ext(name)) {
		l.wrong(v, fmt.Sprintf("%s does not look like %s", v.Value, format), "name a file that ends in "+strings.Join(endings, ", ")+", or one of these and .gz")
		return ""
	}
	return l.data(v)
}

// oneOf checks a setting with a fixed set of values; "" is not set.
func (l *loader) oneOf(v strictyaml.Scalar, name string, known ...string) string {
	if v.Pos.IsZero() || slices.Contains(known, strings.ToLower(v.Value)) {
		return strings.ToLower(v.Value)
	}
	hint := "write " + strings.Join(known, ", ")
	if near := steward.Nearest(v.Value, known); near != "" && len(near) > 1 {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	l.wrong(v, fmt.Sprintf("%s cannot be %q", name, v.Value), hint)
	return ""
}

func (l *loader) delimiter(v strictyaml.Scalar) string {
	switch text := v.Value; {
	case text == "tab" || text == `\t`:
		return "\t"
	case text == "" || text == "\t" || len(text) == 1 && text[0] > ' ' && text[0] < 0x7f && text != `"`:
		return text
	}
	l.wrong(v, fmt.Sprintf("delimiter cannot be %q", v.Value), `write one character in quotes, such as ";", or tab`)
	return ""
}

// spread gives each file its map. A flat map belongs to the block's only file.
func (l *loader) spread(s *Source, b byKind, setting string, of func(*SourceFile) *map[string]string) {
	if len(b.flat) > 0 {
		switch len(s.Files) {
		case 0: // told already
		case 1:
			*of(&s.Files[0]) = l.mapped(b.flat, s.Files[0].Kind, setting)
		default:
			l.problems = append(l.problems, b.pos.Problem(FileName, "source "+s.Name, 1, setting+" does not say which file it is about",
				fmt.Sprintf("write %s: {%s: {…}, %s: {…}}", setting, s.Files[0].Kind, s.Files[1].Kind), l.src))
		}
		return
	}
	for _, kind := range fileKinds {
		entries := b.kinds[kind]
		if len(entries) == 0 {
			continue
		}
		i := slices.IndexFunc(s.Files, func(f SourceFile) bool { return f.Kind == kind })
		if i < 0 {
			l.wrong(entries[0].Key, fmt.Sprintf("%s are given for %s, of which the source has no file", setting, kind), "name the file, or remove the "+setting)
			continue
		}
		*of(&s.Files[i]) = l.mapped(entries, kind, setting)
	}
}

// mapped checks that each name means something in files of the kind.
func (l *loader) mapped(entries strictyaml.Entries[strictyaml.Scalar], kind, setting string) map[string]string {
	known := columnNames(kind, l.w.Fields, l.w.Metrics)
	out := map[string]string{}
	for _, e := range entries {
		if !slices.Contains(known, e.Key.Value) {
			l.wrong(e.Key, fmt.Sprintf("%q is not something that %s have", e.Key.Value, kind), l.unknownColumn(e.Key.Value, kind, known))
			continue
		}
		out[e.Key.Value] = e.Value.Value
	}
	return out
}

func (l *loader) unknownColumn(name, kind string, known []string) string {
	if near := steward.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q? write Steward's name: the header of the file", near)
	}
	if kind == "metrics" {
		return "declare it under metrics:, or use one of " + strings.Join(known, ", ")
	}
	if kind == "accounts" || kind == "products" {
		return "declare it under fields:, or use one of " + strings.Join(known, ", ")
	}
	return "known: " + strings.Join(known, ", ")
}

func (l *loader) join(s *Source, b *filesBlock, format string, endings []string) {
	if b.Via == nil || b.Via.File.Value == "" {
		return
	}
	i := slices.IndexFunc(s.Files, func(f SourceFile) bool { return f.Kind == "metrics" })
	if i < 0 {
		l.wrong(b.Via.File, "via finds the account of metrics rows, and the source has no metrics file", "remove it, or add metrics: …")
		return
	}
	s.Files[i].Via = &Join{File: l.export(b.Via.File, format, endings), Key: b.Via.Key.Value, Account: b.Via.Account.Value}
}

// completeThrough reads how far a source is whole: yesterday, a date, a lag or
// a column.
func (l *loader) completeThrough(v strictyaml.Scalar) string {
	if v.Value == "" || v.Value == "yesterday" {
		return v.Value
	}
	if column, ok := strings.CutPrefix(v.Value, "column:"); ok && strings.TrimSpace(column) != "" {
		return "column:" + strings.TrimSpace(column)
	}
	if _, err := steward.ParseDay(v.Value); err == nil {
		return v.Value
	}
	if lag, err := strictyaml.ParseDuration(v.Value); err == nil && lag.Days() >= 1 && lag.Days() == float64(lag.WholeDays()) {
		return fmt.Sprintf("%dd", lag.WholeDays())
	}
	l.wrong(v, fmt.Sprintf("complete_through cannot be %q", v.Value), "write yesterday, a lag such as 2d, a date such as 2026-03-12, or column:NAME")
	return ""
}
