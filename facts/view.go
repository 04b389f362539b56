package facts

import (
	"slices"

	"steward"
)

// A Column is one fact of every row of a View. Numbers, flags (0 or 1), dates
// (the Day) and durations (days) are in Num, text is in Text; the other is nil.
// Where Known is false the value beside it means nothing; a nil Known means
// that all are known. A column is shared by all who ask for it: never write to
// it.
type Column struct {
	Kind  steward.Kind
	Num   []float64
	Text  []string
	Known []bool
}

// Len is how many rows the column has.
func (c Column) Len() int {
	if c.Kind == steward.TextKind {
		return len(c.Text)
	}
	return len(c.Num)
}

// Value is the value of one row.
func (c Column) Value(row int) steward.Value {
	if c.Known != nil && !c.Known[row] {
		return steward.Unknown(c.Kind)
	}
	if c.Kind == steward.TextKind {
		return steward.Str(c.Text[row])
	}
	return steward.Value{Kind: c.Kind, Known: true, Num: c.Num[row]}
}

// A View is a frame's subjects of one kind as rows, in the portfolio's order.
// A contract's windows are those of its account; a contract whose account is
// not in the portfolio is not a row, since nobody could be told about it; so it
// is with people and products.
type View struct {
	frame    *Frame
	kind     steward.SubjectKind
	items    []int // by row, the subject's place in its list of the portfolio; nil for accounts
	accounts []int // by row, the account's row; nil for accounts, whose row it is
	rows     map[string]int
	fields   map[fieldKey]Column
	windows  map[windowKey]Column
	peers    map[peersKey]Column
	asked    map[askKey]Column
}

type fieldKey struct {
	name  string
	shift int
}

func newView(f *Frame, kind steward.SubjectKind) *View {
	v := &View{frame: f, kind: kind, fields: map[fieldKey]Column{}, windows: map[windowKey]Column{}, peers: map[peersKey]Column{}, asked: map[askKey]Column{}}
	if kind == steward.AboutAccount {
		return v
	}
	v.items, v.accounts = []int{}, []int{}
	p := &f.in.Portfolio
	add := func(i int, account steward.AccountID) {
		if row, ok := f.accountRow(account); ok {
			v.items, v.accounts = append(v.items, i), append(v.accounts, row)
		}
	}
	switch kind {
	case steward.AboutContract:
		for i := range p.Contracts {
			add(i, p.Contracts[i].Account)
		}
	case steward.AboutContact:
		for i := range p.Contacts {
			add(i, p.Contacts[i].Account)
		}
	case steward.AboutProduct:
		for i := range p.Products {
			add(i, p.Products[i].Account)
		}
	}
	return v
}

// Len is how many rows the view has.
func (v *View) Len() int {
	if v.accounts == nil {
		return len(v.frame.in.Portfolio.Accounts)
	}
	return len(v.accounts)
}

// Subject is what a row is about.
func (v *View) Subject(row int) steward.Subject {
	account := v.Account(row).ID
	s := steward.Subject{Kind: v.kind, ID: string(account), Account: account}
	switch v.kind {
	case steward.AboutContract:
		s.ID = string(v.Contract(row).ID)
	case steward.AboutContact:
		s.ID = string(v.Contact(row).ID)
	case steward.AboutProduct:
		s.ID = string(v.Product(row).ID)
	}
	return s
}

// Row finds the row of a subject's id.
func (v *View) Row(id string) (int, bool) {
	if v.rows == nil {
		v.rows = make(map[string]int, v.Len())
		for row := range v.Len() {
			v.rows[v.Subject(row).ID] = row
		}
	}
	row, ok := v.rows[id]
	return row, ok
}

// Account is the account of a row, never nil: the row's own, or its contract's.
func (v *View) Account(row int) *steward.Account {
	return &v.frame.in.Portfolio.Accounts[v.accountRow(row)]
}

// Contract is the contract of a row; nil where rows are something else.
func (v *View) Contract(row int) *steward.Contract {
	if v.kind != steward.AboutContract {
		return nil
	}
	return &v.frame.in.Portfolio.Contracts[v.items[row]]
}

// Contact is the person of a row; nil where rows are something else.
func (v *View) Contact(row int) *steward.Contact {
	if v.kind != steward.AboutContact {
		return nil
	}
	return &v.frame.in.Portfolio.Contacts[v.items[row]]
}

// Product is the product of a row; nil where rows are something else.
func (v *View) Product(row int) *steward.Product {
	if v.kind != steward.AboutProduct {
		return nil
	}
	return &v.frame.in.Portfolio.Products[v.items[row]]
}

// About is what kind of subject the rows are.
func (v *View) About() steward.SubjectKind { return v.kind }

// Frame is the frame the view is of.
func (v *View) Frame() *Frame { return v.frame }

// Today is the calendar day on which the slot falls, shift days earlier.
func (v *View) Today(shift int) steward.Day { return v.frame.today - steward.Day(shift) }

func (v *View) accountRow(row int) int {
	if v.accounts == nil {
		return row
	}
	return v.accounts[row]
}

// gather takes a column by account to the view's rows.
func (v *View) gather(c Column) Column {
	if v.accounts == nil {
		return c
	}
	out := Column{Kind: c.Kind}
	if c.Num != nil {
		out.Num = make([]float64, len(v.accounts))
		for row, account := range v.accounts {
			out.Num[row] = c.Num[account]
		}
	}
	if c.Text != nil {
		out.Text = make([]string, len(v.accounts))
		for row, account := range v.accounts {
			out.Text[row] = c.Text[account]
		}
	}
	if c.Known != nil {
		out.Known = make([]bool, len(v.accounts))
		for row, account := range v.accounts {
			out.Known[row] = c.Known[account]
		}
	}
	return out
}

// unknownColumn is a column of n unknown values.
func unknownColumn(kind steward.Kind, n int) Column {
	c := Column{Kind: kind, Known: make([]bool, n)}
	if kind == steward.TextKind {
		c.Text = make([]string, n)
	} else {
		c.Num = make([]float64, n)
	}
	return c
}

// columnOf puts values, all of one kind, into a column.
func columnOf(kind steward.Kind, n int, value func(row int) steward.Value) Column {
	c := unknownColumn(kind, n)
	for row := range n {
		x := value(row)
		if !x.Known {
			continue
		}
		c.Known[row] = true
		if kind == steward.TextKind {
			c.Text[row] = x.Text
		} else {
			c.Num[row] = x.Num
		}
	}
	if !slices.Contains(c.Known, false) {
		c.Known = nil
	}
	return c
}
