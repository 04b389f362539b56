package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Errors are logged and told to a channel, which names and addresses are kept
// out of. What a cell held is in the rejects, for whoever mends it.
func TestErrorsHoldNoCells(t *testing.T) {
	const cell = "hush@acme.example"
	told := 0
	for kind, headers := range map[FileKind]string{
		Accounts:  "id,name,arr,start_date,renewal_date,seats,legal_hold,owner,parent",
		Contracts: "id,account,amount,start_date,end_date,notice_date,notice_days,auto_renew",
		Contacts:  "id,account,name,email,roles,last_seen",
		Touches:   "id,account,day,kind",
		Metrics:   "account,day,logins,active_users",
	} {
		columns := strings.Split(headers, ",")
		for i := range columns {
			for _, bad := range []string{cell, cell + "\x00", `"` + cell + `"` + cell, cell + strings.Repeat("!", 20<<10)} {
				var b strings.Builder
				b.WriteString(headers + "\n")
				for row := range 4 {
					cells := make([]string, len(columns))
					for j, name := range columns {
						switch {
						case j == i:
							cells[j] = bad
						case name == "id" || name == "account":
							cells[j] = fmt.Sprint("a", row)
						case name == "email":
							cells[j] = cell // rows that are fine but for another column
						}
					}
					b.WriteString(strings.Join(cells, ",") + "\n")
				}
				_, err := readOne(kind, "a.csv", b.String(), func(*Source) {})
				if err == nil {
					continue
				}
				if strings.Contains(err.Error(), "hush") {
					t.Errorf("%s, column %s: %v", kind, columns[i], err)
				}
				var e *Error
				if errors.As(err, &e) && len(e.Rejects) > 0 {
					told++
				}
			}
		}
	}
	if told < 10 {
		t.Errorf("only %d files were refused for their rows", told)
	}
}
