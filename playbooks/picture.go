package playbooks

import (
	"fmt"
	"math"
	"strings"
	"time"

	"steward"
	"steward/facts"
)

// How a metric is pictured. Each value is of whole weeks: of fewer days the
// weekends would be all there is to see. Twelve weeks show what was usual before
// what happened; twenty values are what Slack's chart takes.
const (
	pictureStep  = 7
	pictureWeeks = 12
	mostValues   = 20
	leastValues  = 4 // known ones; fewer are no picture
)

// picture is of the metric that leads the condition, of those that it is for:
// over what the condition looks at, and no less than twelve weeks. It is nil
// where the condition reads no metric, or too little of it is known.
func (l letter) picture() *steward.Picture {
	trace := l.playbook.When.Trace(l.view, l.row, l.at)
	looks := trace.Looks()
	if len(looks) == 0 {
		return nil
	}
	look := looks[0]
	m, ok := l.view.Frame().Metric(look.Metric)
	if !ok || m.End == steward.NoDay {
		return nil
	}
	days := look.Days
	if quiet := l.view.WindowAt(l.row, facts.QuietDays, look.Metric, 0, 0); quiet.Known {
		days = max(days, int(quiet.Num)+4*pictureStep) // what was before it fell silent
	}
	step, n := pictureSpan(days)
	p := &steward.Picture{Label: pictureLabel(look.Metric, m.Spec, step), Step: step}
	for i := n - 1; i >= 0; i-- {
		v := l.view.WindowAt(l.row, facts.Avg, look.Metric, step, i*step)
		if !v.Known && len(p.Values) == 0 {
			continue // before there was anything
		}
		p.Values = append(p.Values, v)
	}
	if countKnown(p.Values) < leastValues {
		return nil
	}
	p.First = m.End - steward.Day(len(p.Values)*step) + 1
	if look.Ago > 0 && look.Window > 0 {
		// What was before the episode, and not before a window that has slid into it.
		p.Before = l.view.WindowAt(l.row, facts.Avg, look.Metric, look.Window, look.Shift+look.Ago+l.at.Episodes[l.row].Shift)
	}
	p.Alt = pictureWords(p)
	return p
}

// pictureSpan is how many values of how many days each show a number of days.
func pictureSpan(days int) (step, n int) {
	days = max(days, pictureWeeks*pictureStep)
	step = pictureStep
	for days > step*mostValues {
		step += pictureStep
	}
	return step, (days + step - 1) / step
}

func pictureLabel(name string, spec steward.MetricSpec, step int) string {
	label := strings.ReplaceAll(name, "_", " ")
	if spec.Kind == steward.Count {
		label += " a day"
	}
	if step == pictureStep {
		return label + ", week by week"
	}
	return fmt.Sprintf("%s, every %d weeks", label, step/pictureStep)
}

func countKnown(values []steward.Value) (n int) {
	for _, v := range values {
		if v.Known {
			n++
		}
	}
	return n
}

// pictureWords says what there is to see: where it began, its highest, where it
// stands.
func pictureWords(p *steward.Picture) string {
	first, last, top, topAt := -1, -1, math.Inf(-1), 0
	for i, v := range p.Values {
		if !v.Known {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		if v.Num > top {
			top, topAt = v.Num, i
		}
	}
	day := func(i int) string { return shortDate(p.First + steward.Day(i*p.Step)) }
	text := fmt.Sprintf("%s: %s from %s on, ", p.Label, numberText(p.Values[first]), day(first))
	if topAt != first && topAt != last {
		text += fmt.Sprintf("highest with %s from %s on, ", numberText(p.Values[topAt]), day(topAt))
	}
	text += fmt.Sprintf("%s in the last %s to %s", numberText(p.Values[last]), stepWords(p.Step), shortDate(p.First+steward.Day((last+1)*p.Step)-1))
	if gaps := len(p.Values) - countKnown(p.Values); gaps > 0 {
		text += fmt.Sprintf("; %d of %d are not known", gaps, len(p.Values))
	}
	return text + "."
}

func stepWords(step int) string {
	if step == pictureStep {
		return "week"
	}
	return fmt.Sprintf("%d weeks", step/pictureStep)
}

func shortDate(d steward.Day) string {
	_, month, day := d.Start(time.UTC).Date()
	return fmt.Sprintf("%d %s", day, month)
}

// say is the line to say to the customer, "" where the message has none.
func (l letter) say() (string, error) {
	if l.wording == nil || l.wording.say == nil {
		return "", nil
	}
	text, err := l.text(l.wording.say, false)
	return plainLine(text), err
}
