package notify

import (
	"fmt"
	"html"
	"strings"

	"steward"
)

// pictureSVG is a picture for a page: the same lines as writePNG has, in colours
// that follow the page's.
func pictureSVG(p *steward.Picture) string {
	low, high := pictureRange(p)
	at := func(i int, v float64) (x, y float64) {
		x = plotLeft + (plotRight-plotLeft)*float64(i)/float64(max(len(p.Values)-1, 1))
		return x, plotBottom - (plotBottom-plotTop)*((v/2-low/2)/(high/2-low/2))
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`, pictureWidth, pictureHeight, pictureWidth, pictureHeight, html.EscapeString(p.Alt))
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(&sb, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(s))
	}
	text(plotLeft, 18, "start", shorten(p.Label, 60))
	text(plotLeft, 112, "start", dayWords(p.First))
	text(plotRight, 112, "end", dayWords(p.First+steward.Day(len(p.Values)*p.Step)-1))
	fmt.Fprintf(&sb, `<path class="ground" d="M%.1f %.1fH%.1f"/>`, plotLeft, plotBottom, plotRight)
	if p.Before.Known {
		_, y := at(0, p.Before.Num)
		fmt.Fprintf(&sb, `<path class="before" d="M%.1f %.1fH%.1f"/>`, plotLeft, y, plotRight)
	}
	end := -1
	for _, run := range knownRuns(p.Values) {
		var line strings.Builder
		for i := run[0]; i <= run[1]; i++ {
			x, y := at(i, p.Values[i].Num)
			fmt.Fprintf(&line, "L%.1f %.1f", x, y)
		}
		x0, _ := at(run[0], 0)
		x1, _ := at(run[1], 0)
		fmt.Fprintf(&sb, `<path class="fill" d="M%.1f %.1f%sL%.1f %.1fZ"/><path class="line" d="M%s"/>`, x0, plotBottom, line.String(), x1, plotBottom, strings.TrimPrefix(line.String(), "L"))
		end = run[1]
	}
	if end >= 0 {
		x, y := at(end, p.Values[end].Num)
		fmt.Fprintf(&sb, `<circle cx="%.1f" cy="%.1f" r="4"/>`, x, y)
		text(x+9, min(y+4, plotBottom), "start", valueText(p.Values[end].Num, p.Percent))
	}
	sb.WriteString("</svg>")
	return sb.String()
}
