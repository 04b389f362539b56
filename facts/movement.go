package facts

import "steward"

// movement computes Trend, Unusual and VsPeers by account row.
func (f *Frame) movement(k windowKey) Column {
	accounts := f.View(steward.AboutAccount)
	return columnOf(k.fn.Kind(), accounts.Len(), func(row int) steward.Value {
		return accounts.movementAt(row, k.fn, k.metric, k.w, k.shift)
	})
}

// movementAt is the same for one row, from the definition.
func (v *View) movementAt(row int, fn Fn, metric string, w, shift int) steward.Value {
	return steward.Unknown(fn.Kind())
}

func (v *View) whyMovement(row int, fn Fn, metric string, w, shift int) string {
	return fn.String() + " is not known"
}
