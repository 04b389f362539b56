package store

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"steward"
)

// How nouns become columns and back. Times are seconds in UTC with 0 for none,
// days are NULL for none, unknown numbers are NULL, lists and maps are JSON.

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func instant(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

func dayColumn(d steward.Day) sql.Null[int32] {
	if d == steward.NoDay {
		return sql.Null[int32]{} // as it is read back, so that rows can be compared
	}
	return sql.Null[int32]{V: int32(d), Valid: true}
}

func dayOf(c sql.Null[int32]) steward.Day {
	if !c.Valid {
		return steward.NoDay
	}
	return steward.Day(c.V)
}

// numberColumn keeps a number; what is unknown, or not a number, is NULL.
func numberColumn(v steward.Value) sql.Null[float64] {
	if !v.Known || v.Kind != steward.NumberKind {
		return sql.Null[float64]{}
	}
	return sql.Null[float64]{V: v.Num, Valid: true}
}

func numberOf(c sql.Null[float64]) steward.Value {
	if !c.Valid {
		return steward.Unknown(steward.NumberKind)
	}
	return steward.Num(c.V)
}

// moreColumn keeps the fields that the workspace declares. Unknown ones are
// left out: a name that is absent is unknown.
func moreColumn(more map[string]steward.Value) (string, error) {
	known := make(map[string]steward.Value, len(more))
	for name, v := range more {
		if v.Known {
			known[name] = v
		}
	}
	return jsonColumn(known)
}

func jsonColumn(v any) (string, error) {
	// A plain Marshal would write < and & as escapes, which makes the stored
	// text hard to read and to search.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("store as JSON: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// listColumn writes an absent list as an empty one, so that the two are equal.
func listColumn[T any](list []T) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	return jsonColumn(list)
}

func jsonOf[T any](text, what string) (T, error) {
	var v T
	switch text {
	case "", "null", "{}", "[]": // nothing, however it was written
		return v, nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("read the stored %s: %w", what, err)
	}
	return v, nil
}

// each converts rows to nouns.
func each[R, N any](rows []R, convert func(R) (N, error)) ([]N, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	out := make([]N, len(rows))
	for i, r := range rows {
		n, err := convert(r)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// address is the form in which mail addresses are compared.
func address(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// inLimit is how many values one IN (…) takes: far below SQLite's limit of
// 32,766 parameters, and large enough that the number of statements is small.
const inLimit = 500

// marks is the list of n parameters of an IN (…).
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// anys is a list as the arguments of a query.
func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}

// rowLimit is a LIMIT for a number that callers leave at 0 for "all".
func rowLimit(n int) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return int64(n)
}
