package strictyaml

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Duration is a length of time as settings are written: 30m, 36h, 14d, 6w,
// 1d12h. A day is 24 hours.
type Duration time.Duration

var units = []struct {
	name string
	size time.Duration
}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// longest keeps sums of durations and dates far from overflow.
const longest = 50 * 366 * 24 * time.Hour

// ParseDuration reads a duration: whole numbers with w, d, h, m or s, the
// larger unit first. Zero needs no unit. The error is a phrase that follows
// "not", as in: not "2 weeks".
func ParseDuration(text string) (Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as 30m, 36h, 14d or 6w", text)
	if text == "0" {
		return 0, nil
	}
	rest, next := text, 0
	var sum time.Duration
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || digits == len(rest) {
			return 0, bad
		}
		i := next
		for i < len(units) && units[i].name != rest[digits:digits+1] {
			i++
		}
		if i == len(units) {
			return 0, bad
		}
		if n > int64(longest/units[i].size) || sum > longest-time.Duration(n)*units[i].size {
			return 0, fmt.Errorf("%q is longer than 50 years", text)
		}
		sum += time.Duration(n) * units[i].size
		rest, next = rest[digits+1:], i+1
	}
	if text == "" {
		return 0, bad
	}
	return Duration(sum), nil
}

// DecodeYAML reads a duration.
func (d *Duration) DecodeYAML(dec *Decoder, n *Node) {
	if !dec.scalar(n, "a duration such as 36h or 14d") {
		return
	}
	v, err := ParseDuration(n.Value)
	if err != nil {
		dec.Problem(n, dec.what+": "+err.Error(), "write a whole number and w, d, h, m or s, such as 36h or 14d")
		return
	}
	*d = v
}

// Std is the duration as the standard library's.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Days is the duration in days of 24 hours, with fractions.
func (d Duration) Days() float64 { return time.Duration(d).Hours() / 24 }

// WholeDays is the duration in days, rounded up.
func (d Duration) WholeDays() int { return int(math.Ceil(d.Days())) }

// String is the shortest spelling that ParseDuration reads back.
func (d Duration) String() string {
	left := time.Duration(d)
	if left <= 0 {
		return "0"
	}
	var b strings.Builder
	for _, u := range units[1:] { // 14d is what people write, rather than 2w
		if n := left / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			left -= n * u.size
		}
	}
	if b.Len() == 0 {
		return "0"
	}
	return b.String()
}
