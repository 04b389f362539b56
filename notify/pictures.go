package notify

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

// maxPoints is how many values a picture has at most, which is what Slack's chart
// takes.
const maxPoints = 20

// readPicture is a picture cleaned of what cannot be shown; nil where less than
// two of its values are known.
func readPicture(p *steward.Picture) *steward.Picture {
	if p == nil {
		return nil
	}
	out := *p
	out.Label, out.Alt = oneLine(p.Label), shorten(oneLine(p.Alt), 300)
	if over := len(p.Values) - maxPoints; over > 0 {
		out.Values = p.Values[over:]
		out.First += steward.Day(over * p.Step)
	}
	known := 0
	for _, v := range out.Values {
		if isKnown(v) {
			known++
		}
	}
	if known < 2 || out.Label == "" {
		return nil
	}
	if !isKnown(out.Before) {
		out.Before = steward.Value{}
	}
	if out.Alt == "" {
		out.Alt = out.Label
	}
	return &out
}

// isKnown tells that a value can be drawn. One so large that its percentage would
// be no number any more is nobody's figure.
func isKnown(v steward.Value) bool {
	return v.Known && math.Abs(v.Num) <= math.MaxFloat64/100
}

// A drawing is how pictures are drawn: as Slack's chart, as images that are
// uploaded already, by their fingerprint; as a line of text where neither.
type drawing struct {
	charts bool
	images map[string]string
}

func (d drawing) block(id string, p *steward.Picture) slack.Block {
	if d.charts {
		if b := chartBlock(id, p); b.Validate() == nil {
			return b
		}
	}
	if file := d.images[fingerprint(p)]; file != "" {
		return slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: file}, shorten(p.Alt, 2000), id, dataText(shorten(p.Label, 200)))
	}
	return slack.NewRichTextBlock(id, section([]span{{text: Sparkline(p.Values), code: true}, {text: "  " + p.Alt, italic: true}}))
}

// chartBlock is a picture as Slack's own chart. It knows no gaps: what is not
// known is left out, and the dates under it tell.
func chartBlock(id string, p *steward.Picture) *slack.DataVisualizationBlock {
	long := len(p.Values)*p.Step > 300 // days whose names would come round again
	var days []string
	var points []slack.DataVisualizationDataPoint
	for i, v := range p.Values {
		if !isKnown(v) {
			continue
		}
		layout := "2 Jan"
		if long {
			layout = "2 Jan 06"
		}
		day := (p.First + steward.Day(i*p.Step)).Start(time.UTC).Format(layout)
		days = append(days, day)
		points = append(points, slack.NewDataVisualizationDataPoint(day, chartNumber(v.Num, p.Percent)))
	}
	name, _, _ := strings.Cut(p.Label, ",")
	series := slack.NewDataVisualizationDataSeries(shorten(name, 20), points...)
	return &slack.DataVisualizationBlock{Type: slack.MBTDataVisualization, BlockID: id, Title: shorten(p.Label, 50),
		Chart: slack.NewDataVisualizationLineChart(slack.NewDataVisualizationAxisConfig(days...), series)}
}

// chartNumber has three digits that count: nobody reads more off a chart, and
// each takes room.
func chartNumber(f float64, percent bool) float64 {
	if percent {
		f *= 100
	}
	if f == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(f))))
	if out := math.Round(f*scale) / scale; !math.IsNaN(out) && !math.IsInf(out, 0) {
		return out
	}
	return f
}

var bars = []rune("▁▂▃▄▅▆▇█")

// Sparkline is values as a line of text, from nothing to the highest; a dot is
// one that is not known.
func Sparkline(values []steward.Value) string {
	low, high := 0.0, math.Inf(-1)
	for _, v := range values {
		if isKnown(v) {
			low, high = min(low, v.Num), max(high, v.Num)
		}
	}
	var sb strings.Builder
	for _, v := range values {
		switch {
		case !isKnown(v):
			sb.WriteRune('·')
		case high <= low:
			sb.WriteRune(bars[0])
		default:
			sb.WriteRune(bars[int(math.Round((v.Num/2-low/2)/(high/2-low/2)*float64(len(bars)-1)))])
		}
	}
	return sb.String()
}

// valueText is a value as it stands beside a picture: as the card's sentences
// write it, and short where it is very large.
func valueText(f float64, percent bool) string {
	unit := ""
	if percent {
		f, unit = f*100, "%"
	}
	switch size := math.Abs(f); {
	case size >= 1e9 || size > 0 && size < 0.05:
		return fmt.Sprintf("%.2g", f) + unit
	case size >= 1e6:
		return fmt.Sprintf("%vM", math.Round(f/1e5)/10) + unit
	case size >= 1e4:
		return fmt.Sprintf("%vk", math.Round(f/1e2)/10) + unit
	case size >= 99.95:
		return fmt.Sprintf("%.0f", f) + unit
	}
	return fmt.Sprintf("%v", math.Round(f*10)/10) + unit
}
