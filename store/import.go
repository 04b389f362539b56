package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
	"steward/series"
)

// A Kind says which list of a source is meant.
type Kind string

// The lists that a source may hold in full.
const (
	Accounts  Kind = "account"
	Contracts Kind = "contract"
	Contacts  Kind = "contact"
	Products  Kind = "product"

	// What these list has no history: a row that a list leaves out is removed, and
	// a ticket was closed.
	Tickets    Kind = "ticket"
	Surveys    Kind = "survey"
	Objectives Kind = "objective"
	Milestones Kind = "milestone"
)

// A Batch is everything that one import of one source brings.
type Batch struct {
	Source string
	// At is when the source was read, in the workspace's zone: changes of
	// fields are kept under the day it shows there.
	At        time.Time
	Accounts  []steward.Account
	Contracts []steward.Contract
	Contacts  []steward.Contact
	Touches   []steward.Touch
	Products  []steward.Product
	Tickets   []steward.Ticket
	// Undated is tickets that are closed and whose source does not say since when:
	// since the first import that had them so, whatever Closed says.
	Undated    map[string]bool
	Surveys    []steward.Survey
	Objectives []steward.Objective
	Milestones []steward.Milestone
	// Kinds is which kinds of row the source has files of, such as tickets; those
	// of rows that are there need not be named.
	Kinds []string
	// Series are merged: the days a batch holds replace what was stored, the
	// others stay.
	Series map[SeriesKey]series.Series
	// Metrics is which metrics the source feeds.
	Metrics []string
	// AccountFields is which fields of accounts the source maps: only those are
	// overwritten, so that two sources may feed one account. Nil means all.
	AccountFields []string
	// Full says that the lists in FullKinds are complete: a row that the source
	// had before and has no longer is marked gone, or removed. All kinds when
	// FullKinds is nil.
	Full      bool
	FullKinds []Kind
	// Accept is the kinds of swing that somebody has looked at and lets pass.
	Accept []SwingKind
	// Counts is which of Metrics are counts, whose missing days are zero.
	Counts []string
	// Columns is how full each column was, as in accounts.owner; Torn is where
	// files break off in a row, Unended the files without a last line end.
	Columns map[string]Fill
	Torn    []string
	Unended []string
	// CompleteThrough is the last day the source declares whole; NewestDay the
	// newest day any series row had. NoDay when it says nothing.
	CompleteThrough steward.Day
	NewestDay       steward.Day
	Rejects         []Reject
	Files           []FileMark
	Rows            int // read in all, rejected ones too
}

// A Reject is a row of a source that could not be used, or, with Warning, a
// part of one.
type Reject struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	ColumnName string `json:"column_name"`
	Reason     string `json:"reason"`
	Text       string `json:"text"`
	Warning    bool   `json:"warning,omitempty"`
}

// A FileMark tells one state of a file from another.
type FileMark struct {
	Path    string    `json:"path"`
	Size    int64     `json:"size"`
	ModTime time.Time `json:"mod_time"`
	Hash    string    `json:"hash"`
}

// Imported says what an import changed.
type Imported struct {
	Accounts      Tally `json:"accounts"`
	Contracts     Tally `json:"contracts"`
	Contacts      Tally `json:"contacts"`
	Touches       Tally `json:"touches"`
	Products      Tally `json:"products,omitzero"`
	Tickets       Tally `json:"tickets,omitzero"`
	Surveys       Tally `json:"surveys,omitzero"`
	Objectives    Tally `json:"objectives,omitzero"`
	Milestones    Tally `json:"milestones,omitzero"`
	Days          int   `json:"days"`           // account-days read, of any metric
	SeriesTouched int   `json:"series_touched"` // series that are not as they were
	Forgotten     int   `json:"forgotten"`      // contacts left out because they were forgotten
}

// A Tally counts what became of the rows of one list. A row that returns after
// it was gone counts as changed.
type Tally struct {
	New     int `json:"new"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	Gone    int `json:"gone"`
}

// rejectsKept is how many rejected rows are kept for people to read; the count
// is always of all.
const rejectsKept = 10_000

// Import stores a batch, all of it or nothing. Importing the same batch again
// changes nothing. A batch with a swing that is not accepted is held back with a
// *HeldError. Days that are not believed are the exception: they are stored, and
// the source stays complete only through the day before them; Held tells.
func (db *DB) Import(ctx context.Context, b Batch) (Imported, error) {
	if b.Source == "" {
		return Imported{}, errors.New("import: the source has no name")
	}
	if b.At.IsZero() {
		return Imported{}, fmt.Errorf("import %s: the batch does not say when it was read", b.Source)
	}
	var done Imported
	var refused []Swing
	err := db.update(ctx, "import "+b.Source, func(tx *sqlx.Tx) error {
		im := importing{ctx: ctx, tx: tx, batch: b, day: steward.DayOf(b.At, b.At.Location())}
		if err := im.recall(); err != nil {
			return err
		}
		swings, err := im.swings()
		if err != nil {
			return fmt.Errorf("compare with the last import: %w", err)
		}
		if refused = im.unaccepted(swings); len(refused) > 0 {
			return im.refuse(refused)
		}
		done, err = im.run()
		return err
	})
	if err == nil && len(refused) > 0 {
		return Imported{}, &HeldError{Source: b.Source, Swings: refused}
	}
	return done, err
}

// importing is one import under way.
type importing struct {
	ctx   context.Context
	tx    *sqlx.Tx
	batch Batch
	day   steward.Day // of field changes
	id    int64       // of the import

	before *lastImport           // nil for the source's first
	stored map[string]accountRow // the accounts as they were; nil where the batch has none
	tombs  tombstones
	active map[string]map[steward.Day]int
}

// lastImport is what is remembered of a source's last import.
type lastImport struct {
	importSummary
	id     int64
	Newest steward.Day
}

// importSummary is what is stored of an import.
type importSummary struct {
	Imported
	Shape shape `json:"shape"`
	// Held is why days of it are not believed; Refused what a later import, which
	// was not made, would have changed.
	Held    []Swing `json:"held,omitempty"`
	Refused []Swing `json:"refused,omitempty"`
}

// recall reads what the batch is compared with.
func (im *importing) recall() (err error) {
	if im.before, err = recallImport(im.ctx, im.tx, im.batch.Source); err != nil {
		return fmt.Errorf("read the last import: %w", err)
	}
	if len(im.batch.Accounts) > 0 {
		im.stored, err = byID(im.ctx, im.tx, `SELECT * FROM accounts`, func(r accountRow) string { return string(r.ID) })
	}
	if err != nil {
		return err
	}
	im.active = im.batch.activity()
	im.tombs, err = readTombstones(im.ctx, im.tx)
	return err
}

// recallImport is the source's last import; nil before the first.
func recallImport(ctx context.Context, tx *sqlx.Tx, source string) (*lastImport, error) {
	var row struct {
		ID      int64           `db:"id"`
		Summary string          `db:"summary"`
		Newest  sql.Null[int32] `db:"newest_day"`
	}
	err := tx.GetContext(ctx, &row, `
		SELECT i.id, i.summary, s.newest_day FROM imports i JOIN sources s ON s.name = i.source
		WHERE i.source = ? ORDER BY i.id DESC LIMIT 1`, source)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	last := &lastImport{id: row.ID, Newest: dayOf(row.Newest)}
	last.importSummary, err = jsonOf[importSummary](row.Summary, "summary of an import of "+source)
	return last, err
}

// save puts back what is remembered of the last import.
func (l *lastImport) save(ctx context.Context, tx *sqlx.Tx) error {
	summary, err := jsonColumn(l.importSummary)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE imports SET summary = ? WHERE id = ?`, summary, l.id)
	return err
}

func (im *importing) unaccepted(swings []Swing) []Swing {
	var out []Swing
	for _, s := range swings {
		if !slices.Contains(im.batch.Accept, s.Kind) {
			out = append(out, s)
		}
	}
	return out
}

// refuse notes with the last import why the next one was not made.
func (im *importing) refuse(swings []Swing) error {
	im.before.Refused = swings
	return im.before.save(im.ctx, im.tx)
}

func (im *importing) run() (done Imported, err error) {
	active := im.active
	if im.before != nil {
		active = joinActivity(im.before.Shape.Active, im.active, max(im.batch.CompleteThrough, im.before.Shape.Through))
	}
	held := im.unaccepted(im.thinDays(active))
	for _, s := range held {
		im.batch.CompleteThrough = min(im.batch.CompleteThrough, s.Day-1)
	}
	if err := im.begin(); err != nil {
		return done, err
	}
	if done.Accounts, err = im.accounts(); err != nil {
		return done, fmt.Errorf("accounts: %w", err)
	}
	if done.Contracts, err = im.contracts(); err != nil {
		return done, fmt.Errorf("contracts: %w", err)
	}
	if done.Contacts, done.Forgotten, err = im.contacts(); err != nil {
		return done, fmt.Errorf("contacts: %w", err)
	}
	if done.Touches, err = im.touches(); err != nil {
		return done, fmt.Errorf("touches: %w", err)
	}
	if err := im.lists(&done); err != nil {
		return done, err
	}
	if done.Days, done.SeriesTouched, err = im.series(); err != nil {
		return done, fmt.Errorf("series: %w", err)
	}
	for _, k := range im.fullKinds() {
		n, err := im.dropAbsent(k)
		if err != nil {
			return done, fmt.Errorf("%ss that are gone: %w", k, err)
		}
		done.of(k).Gone = n
	}
	if err := im.rejects(); err != nil {
		return done, fmt.Errorf("rejected rows: %w", err)
	}
	now := lastImport{id: im.id, importSummary: importSummary{Imported: done, Held: held}}
	if now.Shape, err = im.shape(active); err != nil {
		return done, fmt.Errorf("shape: %w", err)
	}
	return done, now.save(im.ctx, im.tx)
}

// shape is what the next import is compared with.
func (im *importing) shape(active map[string]map[steward.Day]int) (shape, error) {
	s := shape{Columns: im.batch.Columns, Active: active, Through: im.batch.CompleteThrough, Unended: im.batch.Unended, Listed: map[Kind]int{}, Steady: map[Kind]bool{}}
	if im.before != nil {
		s.Through = max(s.Through, im.before.Shape.Through)
	}
	for _, f := range im.batch.Files {
		s.Files = append(s.Files, f.Path)
	}
	for _, k := range guarded {
		n := im.listed(k)
		if n == 0 {
			continue
		}
		s.Listed[k] = n
		if im.before == nil {
			continue // a first import is whole, whatever comes later
		}
		var ever int
		if err := im.tx.GetContext(im.ctx, &ever, `SELECT COUNT(*) FROM listings WHERE source = ? AND kind = ?`, im.batch.Source, k); err != nil {
			return s, err
		}
		s.Steady[k] = n*4 >= ever*3
	}
	return s, nil
}

func (im *importing) fullKinds() []Kind {
	switch {
	case !im.batch.Full:
		return nil
	case im.batch.FullKinds == nil:
		return []Kind{Accounts, Contracts, Contacts, Products, Tickets, Surveys, Objectives, Milestones}
	}
	return im.batch.FullKinds
}

// begin writes the source's state and the import's row.
func (im *importing) begin() error {
	b := im.batch
	metrics, err := listColumn(b.Metrics)
	if err != nil {
		return err
	}
	files, err := listColumn(b.Files)
	if err != nil {
		return err
	}
	kinds, err := im.kinds()
	if err != nil {
		return err
	}
	// The newest day never goes back: a correction of old days does not undo
	// that newer ones are known. Completeness is as the source declares it.
	_, err = im.tx.ExecContext(im.ctx, `
		INSERT INTO sources (name, complete_through, newest_day, imported_at, metrics, kinds) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET
			complete_through = excluded.complete_through,
			newest_day = CASE
				WHEN sources.newest_day IS NULL THEN excluded.newest_day
				WHEN excluded.newest_day > sources.newest_day THEN excluded.newest_day
				ELSE sources.newest_day END,
			imported_at = excluded.imported_at,
			metrics = excluded.metrics,
			kinds = excluded.kinds`,
		b.Source, dayColumn(b.CompleteThrough), dayColumn(b.NewestDay), seconds(b.At), metrics, kinds)
	if err != nil {
		return err
	}
	return im.tx.GetContext(im.ctx, &im.id, `
		INSERT INTO imports (source, at, line_count, rejected, files, summary) VALUES (?, ?, ?, ?, ?, '{}') RETURNING id`,
		b.Source, seconds(b.At), b.Rows, len(b.Rejects), files)
}

func (im *importing) accounts() (Tally, error) {
	var t Tally
	if len(im.batch.Accounts) == 0 {
		return t, nil
	}
	stored := im.stored
	put, err := im.tx.PrepareNamedContext(im.ctx, `
		INSERT INTO accounts (id, name, parent, status, segment, arr, currency, owner, start_date, renewal_date,
			stage, escalation_level, contact_policy, test, more, gone_from)
		VALUES (:id, :name, :parent, :status, :segment, :arr, :currency, :owner, :start_date, :renewal_date,
			:stage, :escalation_level, :contact_policy, :test, :more, :gone_from)
		ON CONFLICT (id) DO UPDATE SET
			name = excluded.name, parent = excluded.parent, status = excluded.status, segment = excluded.segment,
			arr = excluded.arr, currency = excluded.currency, owner = excluded.owner,
			start_date = excluded.start_date, renewal_date = excluded.renewal_date,
			stage = excluded.stage, escalation_level = excluded.escalation_level,
			contact_policy = excluded.contact_policy, test = excluded.test, more = excluded.more,
			gone_from = excluded.gone_from`)
	if err != nil {
		return t, err
	}
	defer put.Close()
	keep, err := im.keeper(Accounts)
	if err != nil {
		return t, err
	}
	defer keep.close()
	for _, a := range im.batch.Accounts {
		old, known := stored[string(a.ID)]
		was, err := old.noun()
		if err != nil {
			return t, err
		}
		if !known {
			was = steward.Account{ID: a.ID, StartDate: steward.NoDay, RenewalDate: steward.NoDay}
		}
		row, err := rowOfAccount(overlay(was, a, im.batch.AccountFields))
		if err != nil {
			return t, err
		}
		row.GoneFrom = im.goneFrom(Accounts, old.GoneFrom)
		now, err := row.noun()
		if err != nil {
			return t, err
		}
		if t.count(known, old == row) {
			if _, err := put.ExecContext(im.ctx, row); err != nil {
				return t, fmt.Errorf("account %s: %w", a.ID, err)
			}
		}
		stored[string(a.ID)] = row // a batch may hold two rows for one id: the later goes on from the earlier
		if err := keep.row(string(a.ID), known, presence{old.GoneFrom, row.GoneFrom}, accountFields(was), accountFields(now)); err != nil {
			return t, err
		}
	}
	return t, nil
}

// overlay puts the fields that a source maps over those that are stored.
func overlay(stored, read steward.Account, fields []string) steward.Account {
	if fields == nil {
		return read
	}
	out := stored
	out.More = maps.Clone(stored.More)
	for _, f := range fields {
		switch f {
		case "id":
		case "name":
			out.Name = read.Name
		case "parent":
			out.Parent = read.Parent
		case "status":
			out.Status = read.Status
		case "segment":
			out.Segment = read.Segment
		case "arr":
			out.ARR = read.ARR
		case "currency":
			out.Currency = read.Currency
		case "owner":
			out.Owner = read.Owner
		case "start_date":
			out.StartDate = read.StartDate
		case "renewal_date":
			out.RenewalDate = read.RenewalDate
		case "stage":
			out.Stage = read.Stage
		case "escalation_level":
			out.EscalationLevel = read.EscalationLevel
		case "contact_policy":
			out.ContactPolicy = read.ContactPolicy
		case "test":
			out.Test = read.Test
		default:
			if out.More == nil {
				out.More = make(map[string]steward.Value)
			}
			out.More[f] = read.More[f]
		}
	}
	return out
}

func (im *importing) contracts() (Tally, error) {
	var t Tally
	if len(im.batch.Contracts) == 0 {
		return t, nil
	}
	stored, err := byID(im.ctx, im.tx, `SELECT * FROM contracts`, func(r contractRow) string { return string(r.ID) })
	if err != nil {
		return t, err
	}
	put, err := im.tx.PrepareNamedContext(im.ctx, `
		INSERT INTO contracts (id, account, product, start_date, end_date, notice_date, amount,
			auto_renew, renewed, cancelled, more, gone_from)
		VALUES (:id, :account, :product, :start_date, :end_date, :notice_date, :amount,
			:auto_renew, :renewed, :cancelled, :more, :gone_from)
		ON CONFLICT (id) DO UPDATE SET
			account = excluded.account, product = excluded.product, start_date = excluded.start_date,
			end_date = excluded.end_date, notice_date = excluded.notice_date, amount = excluded.amount,
			auto_renew = excluded.auto_renew, renewed = excluded.renewed, cancelled = excluded.cancelled,
			more = excluded.more, gone_from = excluded.gone_from`)
	if err != nil {
		return t, err
	}
	defer put.Close()
	keep, err := im.keeper(Contracts)
	if err != nil {
		return t, err
	}
	defer keep.close()
	for _, c := range im.batch.Contracts {
		old, known := stored[string(c.ID)]
		was, err := old.noun()
		if err != nil {
			return t, err
		}
		row, err := rowOfContract(c)
		if err != nil {
			return t, err
		}
		row.GoneFrom = im.goneFrom(Contracts, old.GoneFrom)
		if t.count(known, old == row) {
			if _, err := put.ExecContext(im.ctx, row); err != nil {
				return t, fmt.Errorf("contract %s: %w", c.ID, err)
			}
		}
		stored[string(c.ID)] = row
		if err := keep.row(string(c.ID), known, presence{old.GoneFrom, row.GoneFrom}, contractFields(was), contractFields(c)); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (im *importing) contacts() (t Tally, forgotten int, err error) {
	if len(im.batch.Contacts) == 0 {
		return t, 0, nil
	}
	stored, err := byID(im.ctx, im.tx, `SELECT * FROM contacts`, func(r contactRow) string { return string(r.ID) })
	if err != nil {
		return t, 0, err
	}
	put, err := im.tx.PrepareNamedContext(im.ctx, `
		INSERT INTO contacts (id, account, name, email, roles, locale, last_seen, gone_from)
		VALUES (:id, :account, :name, :email, :roles, :locale, :last_seen, :gone_from)
		ON CONFLICT (id) DO UPDATE SET
			account = excluded.account, name = excluded.name, email = excluded.email, roles = excluded.roles,
			locale = excluded.locale, last_seen = excluded.last_seen, gone_from = excluded.gone_from`)
	if err != nil {
		return t, 0, err
	}
	defer put.Close()
	keep, err := im.keeper(Contacts)
	if err != nil {
		return t, 0, err
	}
	defer keep.close()
	for _, c := range im.batch.Contacts {
		if im.tombs.cover(c) {
			forgotten++
			continue
		}
		old, known := stored[string(c.ID)]
		row, err := rowOfContact(c)
		if err != nil {
			return t, forgotten, err
		}
		row.GoneFrom = im.goneFrom(Contacts, old.GoneFrom)
		if t.count(known, old == row) {
			if _, err := put.ExecContext(im.ctx, row); err != nil {
				return t, forgotten, fmt.Errorf("contact %s: %w", c.ID, err)
			}
		}
		stored[string(c.ID)] = row
		was, err := old.noun()
		if err != nil {
			return t, forgotten, err
		}
		if err := keep.row(string(c.ID), known, presence{old.GoneFrom, row.GoneFrom}, contactFields(was), contactFields(sameRoles(was, c))); err != nil {
			return t, forgotten, err
		}
	}
	return t, forgotten, nil
}

func (im *importing) touches() (Tally, error) {
	var t Tally
	if len(im.batch.Touches) == 0 {
		return t, nil
	}
	stored, err := byID(im.ctx, im.tx, `SELECT * FROM touches`, func(r touchRow) string { return r.ID })
	if err != nil {
		return t, err
	}
	put, err := im.tx.PrepareNamedContext(im.ctx, `
		INSERT INTO touches (id, account, contact, day, kind, by_whom) VALUES (:id, :account, :contact, :day, :kind, :by_whom)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, contact = excluded.contact,
			day = excluded.day, kind = excluded.kind, by_whom = excluded.by_whom`)
	if err != nil {
		return t, err
	}
	defer put.Close()
	for _, touch := range im.batch.Touches {
		if touch.ID == "" {
			// Many sources have no id for a call; what it was, is one.
			touch.ID = derivedID("t-", string(touch.Account), string(touch.Contact), touch.Day.String(), touch.Kind, touch.By)
		}
		touch.ID, touch.Contact = im.tombs.without(touch.ID, touch.Contact)
		old, known := stored[touch.ID]
		row, err := rowOfTouch(touch)
		if err != nil {
			return t, err
		}
		if t.count(known, old == row) {
			if _, err := put.ExecContext(im.ctx, row); err != nil {
				return t, fmt.Errorf("touch %s: %w", touch.ID, err)
			}
		}
		stored[touch.ID] = row
	}
	return t, nil
}

func (im *importing) series() (days, touched int, err error) {
	if len(im.batch.Series) == 0 {
		return 0, 0, nil
	}
	w, err := newSeriesWriter(im.ctx, im.tx)
	if err != nil {
		return 0, 0, err
	}
	defer w.close()
	// In the order of the table's key: pages are written once, and two imports
	// of one batch do the same.
	keys := slices.SortedFunc(maps.Keys(im.batch.Series), func(a, b SeriesKey) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Metric, b.Metric))
	})
	for _, key := range keys {
		read := im.batch.Series[key]
		if read.IsEmpty() {
			continue
		}
		days += read.Observed()
		if strings.HasPrefix(key.Metric, scorePrefix) {
			return days, touched, fmt.Errorf("%s cannot be the name of a metric", key.Metric)
		}
		changed, err := w.merge(key, read)
		if err != nil {
			return days, touched, err
		}
		if changed {
			touched++
		}
	}
	return days, touched, nil
}

// goneFrom is what a listed row's gone_from becomes: a source that has it again
// brings it back, if it is the one that lost it or has the whole list.
// Otherwise a second source that only adds fields would keep reviving what the
// CRM has closed.
func (im *importing) goneFrom(k Kind, was string) string {
	if was == im.batch.Source || slices.Contains(im.fullKinds(), k) {
		return ""
	}
	return was
}

// rejects keeps the rejected rows of this import in place of the source's
// earlier ones.
func (im *importing) rejects() error {
	if _, err := im.tx.ExecContext(im.ctx,
		`DELETE FROM import_rejects WHERE import IN (SELECT id FROM imports WHERE source = ?)`, im.batch.Source); err != nil {
		return err
	}
	if len(im.batch.Rejects) == 0 {
		return nil
	}
	put, err := im.tx.PreparexContext(im.ctx, `
		INSERT INTO import_rejects (import, n, file, line, col, column_name, reason, content, warning)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for n, r := range im.batch.Rejects[:min(len(im.batch.Rejects), rejectsKept)] {
		if _, err := put.ExecContext(im.ctx, im.id, n, r.File, r.Line, r.Column, r.ColumnName, r.Reason, r.Text, r.Warning); err != nil {
			return err
		}
	}
	return nil
}

// count tells whether a row has to be written.
func (t *Tally) count(known, same bool) bool {
	switch {
	case !known:
		t.New++
	case same:
		t.Same++
		return false
	default:
		t.Changed++
	}
	return true
}

func byID[R any](ctx context.Context, tx *sqlx.Tx, query string, id func(R) string) (map[string]R, error) {
	var rows []R
	if err := tx.SelectContext(ctx, &rows, query); err != nil {
		return nil, err
	}
	out := make(map[string]R, len(rows))
	for _, r := range rows {
		out[id(r)] = r
	}
	return out, nil
}

// derivedID makes an identity out of what a row says.
func derivedID(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p) // framed, so that no two lists of parts look alike
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:10])
}
