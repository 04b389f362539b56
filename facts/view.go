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
// not in the portfolio is not a row, since nobody could be told about it.
type View struct {
	frame     *Frame
	kind      steward.SubjectKind
	contracts []int // by row, the contract's place in the portfolio; nil for accounts
	accounts  []int // by row, the account's row; nil for accounts, whose row it is
	rows      map[string]int
	fields    map[string]Column
	windows   map[windowKey]Column
}

func newView(f *Frame, kind steward.SubjectKind) *View {
	v := &View{frame: f, kind: kind, fields: map[string]Column{}, windows: map[windowKey]Column{}}
	if kind != steward.AboutAccount {
		v.contracts, v.accounts = []int{}, []int{}
	}
	if kind == steward.AboutContract {
		for i := range f.in.Portfolio.Contracts {
			if account, ok := f.accountRow(f.in.Portfolio.Contracts[i].Account); ok {
				v.contracts = append(v.contracts, i)
				v.accounts = append(v.accounts, account)
			}
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
	if c := v.Contract(row); c != nil {
		return steward.Subject{Kind: v.kind, ID: string(c.ID), Account: account}
	}
	return steward.Subject{Kind: v.kind, ID: string(account), Account: account}
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

// Contract is the contract of a row; nil where rows are accounts.
func (v *View) Contract(row int) *steward.Contract {
	if v.contracts == nil {
		return nil
	}
	return &v.frame.in.Portfolio.Contracts[v.contracts[row]]
}

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
