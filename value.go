package steward

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// A Kind is the type of a value in the language.
type Kind uint8

// The kinds. A duration counts whole or fractional days; it is compared with
// durations only. A date holds a Day.
const (
	NoKind Kind = iota
	NumberKind
	TextKind
	FlagKind
	DateKind
	DurationKind
)

var kindNames = [...]string{"nothing", "number", "text", "flag", "date", "duration"}

// String is the kind as ops people write it in steward.yaml.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// ParseKind reads a kind as written in steward.yaml (number, text, flag, date).
func ParseKind(s string) (Kind, bool) {
	for i, n := range kindNames {
		if n == s && i > 0 {
			return Kind(i), true
		}
	}
	return NoKind, false
}

// A Value is one fact, or the absence of knowledge of it. Numbers, flags (0 or
// 1), dates (the Day) and durations (days) are in Num; text is in Text. The
// zero Value is unknown.
type Value struct {
	Kind  Kind
	Known bool
	Num   float64
	Text  string
}

// Unknown is the unknown value of a kind.
func Unknown(k Kind) Value { return Value{Kind: k} }

// Num is a known number. NaN and infinities are unknown: they only arise from
// divisions that the language calls unknown.
func Num(f float64) Value {
	return Value{Kind: NumberKind, Known: !math.IsNaN(f) && !math.IsInf(f, 0), Num: f}
}

// Str is a known text.
func Str(s string) Value { return Value{Kind: TextKind, Known: true, Text: s} }

// Bool is a known flag.
func Bool(b bool) Value {
	v := Value{Kind: FlagKind, Known: true}
	if b {
		v.Num = 1
	}
	return v
}

// OnDay is a known date; NoDay is unknown.
func OnDay(d Day) Value { return Value{Kind: DateKind, Known: d != NoDay, Num: float64(d)} }

// Days is a known duration in days.
func Days(n float64) Value {
	v := Num(n)
	v.Kind = DurationKind
	return v
}

// Day is the date held; NoDay when unknown or not a date.
func (v Value) Day() Day {
	if !v.Known || v.Kind != DateKind {
		return NoDay
	}
	return Day(v.Num)
}

// Verdict reads a flag as a verdict; anything unknown or not a flag is unknown.
func (v Value) Verdict() Verdict {
	switch {
	case !v.Known || v.Kind != FlagKind:
		return Unclear
	case v.Num != 0:
		return Holds
	default:
		return Fails
	}
}

// String is the value as the language would write it: 0.64, 'text', true,
// 2026-03-12, 14d, unknown. Cards and mails use their own formats.
func (v Value) String() string {
	if !v.Known {
		return "unknown"
	}
	switch v.Kind {
	case TextKind:
		return "'" + v.Text + "'"
	case FlagKind:
		return strconv.FormatBool(v.Num != 0)
	case DateKind:
		return Day(v.Num).String()
	case DurationKind:
		return trimFloat(v.Num) + "d"
	default:
		return trimFloat(v.Num)
	}
}

func trimFloat(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 6, 64)
}

// MarshalJSON writes null for unknown, a JSON scalar for numbers, text and
// flags, and {"date": …} or {"days": …} for the other two, so that the kind
// survives.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Known {
		return []byte("null"), nil
	}
	switch v.Kind {
	case TextKind:
		return json.Marshal(v.Text)
	case FlagKind:
		return json.Marshal(v.Num != 0)
	case DateKind:
		return json.Marshal(map[string]string{"date": Day(v.Num).String()})
	case DurationKind:
		return json.Marshal(map[string]float64{"days": v.Num})
	default:
		return json.Marshal(v.Num)
	}
}

// UnmarshalJSON reads what MarshalJSON writes; null becomes an unknown value
// without a kind.
func (v *Value) UnmarshalJSON(b []byte) error {
	var raw any
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	switch x := raw.(type) {
	case nil:
		*v = Value{}
	case float64:
		*v = Num(x)
	case string:
		*v = Str(x)
	case bool:
		*v = Bool(x)
	case map[string]any:
		if s, ok := x["date"].(string); ok {
			d, err := ParseDay(s)
			*v = OnDay(d)
			return err
		}
		if n, ok := x["days"].(float64); ok {
			*v = Days(n)
			return nil
		}
		return fmt.Errorf("%s is not a stored value", b)
	default:
		return fmt.Errorf("%s is not a stored value", b)
	}
	return nil
}

// A Verdict is the outcome of a condition in Kleene's strong three-valued
// logic (S. C. Kleene, Introduction to Metamathematics, 1952, §64).
type Verdict int8

// The verdicts. The order makes And the minimum and Or the maximum.
const (
	Fails   Verdict = -1
	Unclear Verdict = 0
	Holds   Verdict = 1
)

// And is false if either is, else unknown if either is.
func (v Verdict) And(w Verdict) Verdict { return min(v, w) }

// Or is true if either is, else unknown if either is.
func (v Verdict) Or(w Verdict) Verdict { return max(v, w) }

// Not turns true and false round and leaves unknown.
func (v Verdict) Not() Verdict { return -v }

// Value is the verdict as a flag.
func (v Verdict) Value() Value {
	if v == Unclear {
		return Unknown(FlagKind)
	}
	return Bool(v == Holds)
}

// String is true, false or unknown.
func (v Verdict) String() string {
	switch v {
	case Holds:
		return "true"
	case Fails:
		return "false"
	default:
		return "unknown"
	}
}
