package replay

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"steward"
	"steward/series"
)

// maxScenarioDays bounds what a test file can ask for: ten years of days lived
// one by one is a slip of the keyboard and not a test.
const maxScenarioDays = 3660

// A SeriesError is a mistake in a series written as text.
type SeriesError struct {
	// Offset is the byte at which the mistake begins, Column its character
	// counted from 1, Length the bytes to underline.
	Offset, Column, Length int
	Message, Hint          string
}

// Error is the column, the mistake and what to write instead.
func (e *SeriesError) Error() string {
	return fmt.Sprintf("column %d: %s (%s)", e.Column, e.Message, e.Hint)
}

const seriesHint = "write value×days, such as 40x60 10x12, and _x3 for three days without a value"

// ParseSeries reads a series as tests write it: runs of value×days from a day
// on, separated by blanks, such as "40x60 10x12 _x3 2.5". The sign may be x or
// ×, a run of one day needs none, and _ stands for days without a value. The
// error is a *SeriesError.
func ParseSeries(text string, from steward.Day) (series.Series, error) {
	var values []float64
	at := 0
	for _, run := range runs(text) {
		at = run.offset
		value, days, err := parseRun(run.text)
		if err == nil && len(values)+days > maxScenarioDays {
			err = &SeriesError{Length: len(run.text), Message: fmt.Sprintf("the series is longer than %d days", maxScenarioDays), Hint: "shorten it"}
		}
		if err != nil {
			err.Offset += at
			err.Column = 1 + utf8.RuneCountInString(text[:err.Offset])
			return series.Series{}, err
		}
		for range days {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return series.Series{}, &SeriesError{Column: 1, Length: len(text), Message: "the series is empty", Hint: seriesHint}
	}
	s, err := series.New(from, values)
	if err != nil {
		return series.Series{}, &SeriesError{Column: 1, Length: len(text), Message: err.Error(), Hint: "look at from: and at how many days there are"}
	}
	return s, nil
}

type runText struct {
	text   string
	offset int
}

func runs(text string) []runText {
	var out []runText
	start := -1
	for i, r := range text + " " {
		switch {
		case !unicode.IsSpace(r) && start < 0:
			start = i
		case unicode.IsSpace(r) && start >= 0:
			out = append(out, runText{text[start:i], start})
			start = -1
		}
	}
	return out
}

// parseRun reads one run; offsets of its error count from the run's start.
func parseRun(run string) (value float64, days int, err *SeriesError) {
	left, right, times := strings.Cut(strings.Replace(run, "×", "x", 1), "x")
	fault := func(offset, length int, message string) (float64, int, *SeriesError) {
		return 0, 0, &SeriesError{Offset: offset, Length: max(length, 1), Message: message, Hint: seriesHint}
	}
	if left == "" {
		return fault(0, len(run), fmt.Sprintf("%q has no value before its x", run))
	}
	value = math.NaN()
	if left != "_" {
		v, bad := strconv.ParseFloat(left, 64)
		if bad != nil || strings.Trim(left, "0123456789.-+") != "" {
			return fault(0, len(left), fmt.Sprintf("%q is not a number", left))
		}
		value = v
	}
	if !times {
		return value, 1, nil
	}
	if right == "" {
		return fault(len(left), len(run)-len(left), fmt.Sprintf("%q has no number of days after its x", run))
	}
	n, bad := strconv.Atoi(right)
	if bad != nil || n < 1 || n > maxScenarioDays || right[0] == '+' {
		return fault(len(run)-len(right), len(right), fmt.Sprintf("%q is not a number of days from 1 to %d", right, maxScenarioDays))
	}
	return value, n, nil
}
