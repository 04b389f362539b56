package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"steward"
)

// A HealthPlot is a score from 0 to 100, day by day. Unknown days are gaps.
type HealthPlot struct {
	First  steward.Day
	Values []steward.Value
	// Below Red is bad, below Yellow neither.
	Red, Yellow float64
	// Said are the days on which a person's word stood in its place.
	Said []DaySpan
	// Alt is what there is to see, in a sentence.
	Alt string
}

// A DaySpan is days from First to Last.
type DaySpan struct {
	First, Last steward.Day
	Label       string
}

// A LinePlot is a score from 0 to 100 drawn small.
type LinePlot struct {
	Values []steward.Value
	Alt    string
}

// A BarPlot is a metric as a bar for each so many days.
type BarPlot struct {
	First  steward.Day
	Step   int
	Values []steward.Value
	Alt    string
}

// The plots are drawn in units of their own and stretched to the width there is;
// lines keep their width. What is written stands beside them as text, which does
// not stretch.
const (
	plotWidth   = 600.0
	plotHeight  = 100.0
	smallWidth  = 120.0
	smallHeight = 24.0
)

// Empty tells a plot without anything to see.
func (p HealthPlot) Empty() bool { return !anyKnown(p.Values) }

// Empty tells a plot without anything to see.
func (p LinePlot) Empty() bool { return !anyKnown(p.Values) }

// Empty tells a plot without anything to see.
func (p BarPlot) Empty() bool { return !anyKnown(p.Values) }

func anyKnown(values []steward.Value) bool {
	for _, v := range values {
		if v.Known {
			return true
		}
	}
	return false
}

// From and To are the days at the plot's ends.
func (p HealthPlot) From() string { return dayWords(p.First) }

// To is the last day.
func (p HealthPlot) To() string { return dayWords(p.First + steward.Day(len(p.Values)) - 1) }

// From is the first day.
func (p BarPlot) From() string { return dayWords(p.First) }

// To is the last day.
func (p BarPlot) To() string { return dayWords(p.First + steward.Day(len(p.Values)*p.Step) - 1) }

// Top is what the highest bar stands for.
func (p BarPlot) Top() string { return figure(highest(p.Values)) }

// figure is a number as short as it can be told.
func figure(x float64) string {
	switch {
	case math.Abs(x) >= 10_000:
		return strconv.FormatFloat(x/1000, 'f', 0, 64) + "k"
	case math.Abs(x) >= 100:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

func dayWords(d steward.Day) string {
	if d == steward.NoDay {
		return ""
	}
	return d.Start(time.UTC).Format("2 Jan 2006")
}

// svg is a drawing with its name for people who do not see it.
func svg(class string, w, h float64, alt, inside string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="plot %s" viewBox="0 0 %s %s" preserveAspectRatio="none" role="img"><title>%s</title>%s</svg>`,
		class, num(w), num(h), template.HTMLEscapeString(alt), inside))
}

func num(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// SVG draws the plot.
func (p HealthPlot) SVG() template.HTML {
	var b strings.Builder
	y := func(score float64) float64 { return round(plotHeight * (1 - score/100)) }
	fmt.Fprintf(&b, `<rect class="zone-bad" x="0" y="%s" width="%s" height="%s"/>`, num(y(p.Red)), num(plotWidth), num(plotHeight-y(p.Red)))
	fmt.Fprintf(&b, `<rect class="zone-warn" x="0" y="%s" width="%s" height="%s"/>`, num(y(p.Yellow)), num(plotWidth), num(y(p.Red)-y(p.Yellow)))
	step := plotWidth / float64(max(1, len(p.Values)))
	for _, s := range p.Said {
		from, to := max(s.First, p.First), min(s.Last, p.First+steward.Day(len(p.Values))-1)
		if to < from {
			continue
		}
		fmt.Fprintf(&b, `<g><title>%s</title><rect class="said" x="%s" y="0" width="%s" height="%s"/><path class="said-edge" d="M%s 0V%s"/></g>`, template.HTMLEscapeString(s.Label),
			num(round(float64(from-p.First)*step)), num(round(float64(to-from+1)*step)), num(plotHeight), num(round(float64(from-p.First)*step)), num(plotHeight))
	}
	b.WriteString(line("score", p.Values, plotWidth, plotHeight, 100))
	return svg("health", plotWidth, plotHeight, p.Alt, b.String())
}

// SVG draws the plot.
func (p LinePlot) SVG() template.HTML {
	return svg("spark", smallWidth, smallHeight, p.Alt, line("score", p.Values, smallWidth, smallHeight, 100))
}

// line is a stroke through the values, broken where one is unknown, with a dot
// at its end.
func line(class string, values []steward.Value, w, h, top float64) string {
	const inset = 3 // so that the stroke and its dot are whole at the edges
	step := (w - 2*inset) / float64(max(1, len(values)-1))
	var d strings.Builder
	drawing, dot := false, ""
	for i, v := range values {
		if !v.Known {
			drawing = false
			continue
		}
		x, y := round(inset+float64(i)*step), round(inset+(h-2*inset)*(1-min(1, max(0, v.Num/top))))
		word := "L"
		if !drawing {
			word = "M"
		}
		fmt.Fprintf(&d, "%s%s %s", word, num(x), num(y))
		if alone := !drawing && (i+1 == len(values) || !values[i+1].Known); alone {
			d.WriteString("h.01") // a single day is a dot
		}
		drawing, dot = true, fmt.Sprintf(`<path class="dot" d="M%s %sh.01"/>`, num(x), num(y))
	}
	if d.Len() == 0 {
		return ""
	}
	return `<path class="` + class + `" d="` + d.String() + `"/>` + dot
}

// SVG draws the plot: a bar for each value, a mark on the ground for zero, and
// nothing where it is not known.
func (p BarPlot) SVG() template.HTML {
	top := highest(p.Values)
	n := len(p.Values)
	step := plotWidth / float64(max(1, n))
	var b strings.Builder
	for i, v := range p.Values {
		if !v.Known {
			continue
		}
		h := 1.5
		if top > 0 {
			h = max(h, plotHeight*max(0, v.Num)/top)
		}
		class := "bar"
		if i == n-1 {
			class = "bar now"
		}
		from := p.First + steward.Day(i*p.Step)
		fmt.Fprintf(&b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"><title>%s: %s</title></rect>`, class,
			num(round(float64(i)*step+step*.12)), num(round(plotHeight-h)), num(round(step*.76)), num(round(h)), dayWords(from), figure(v.Num))
	}
	return svg("bars", plotWidth, plotHeight, p.Alt, b.String())
}

func highest(values []steward.Value) float64 {
	top := 0.0
	for _, v := range values {
		if v.Known {
			top = max(top, v.Num)
		}
	}
	return top
}

// round is to a tenth of a unit, which is less than a pixel.
func round(x float64) float64 { return math.Round(x*10) / 10 }
