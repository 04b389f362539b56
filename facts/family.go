package facts

// Family is the rows of an account and of all accounts below it, by their
// parents: itself first, each once. A parent that is not in the portfolio is no
// parent, and a circle of parents ends where it closes.
func (v *View) Family(row int) []int {
	f := v.frame
	if f.children == nil {
		f.children = map[int][]int{}
		for i := range f.in.Portfolio.Accounts {
			a := &f.in.Portfolio.Accounts[i]
			if parent, ok := f.accountRow(a.Parent); ok && a.Parent != "" && parent != i {
				f.children[parent] = append(f.children[parent], i)
			}
		}
	}
	out := []int{row}
	if len(f.children[row]) == 0 {
		return out
	}
	seen := map[int]bool{row: true}
	for at := 0; at < len(out); at++ {
		for _, child := range f.children[out[at]] {
			if !seen[child] {
				seen[child] = true
				out = append(out, child)
			}
		}
	}
	return out
}

// AccountRow is the row, among accounts, of the account that a row belongs to.
func (v *View) AccountRow(row int) int { return v.accountRow(row) }
