package configs

import (
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// letterKeys are what readers of mail see around a letter.
type letterKeys struct {
	Topics strictyaml.Entries[strictyaml.Scalar] `yaml:"topics" doc:"What readers call each kind of mail, by a playbook's purpose: care, risk, report or commercial. Default Steward's own words."`
	Footer strictyaml.Scalar                     `yaml:"footer" doc:"Small print below every mail, such as the company's name and postal address. Default none." examples:"Example GmbH, Musterstraße 1, 10115 Berlin"`
}

// Longest small print, and name of a topic, in characters.
const (
	mostFooter    = 500
	mostTopicName = 60
)

// letters reads the names of topics and the small print.
func (l *loader) letters(k letterKeys) {
	taken := map[string]steward.Topic{}
	for _, e := range k.Topics {
		topic, name := steward.Topic(e.Key.Value), strings.Join(strings.Fields(e.Value.Value), " ")
		switch {
		case !slices.Contains(steward.Topics(), topic):
			l.wrong(e.Key, fmt.Sprintf("there is no kind of mail %q", e.Key.Value), nearest(e.Key.Value, topicNames(), "write care, risk, report or commercial: a playbook's purpose"))
			continue
		case name == "" || len([]rune(name)) > mostTopicName:
			l.wrong(e.Value, fmt.Sprintf("%s needs a name of up to %d characters", topic, mostTopicName), "write what readers should see, such as \"Monthly value reports\"")
			continue
		}
		if l.w.TopicNames == nil {
			l.w.TopicNames = map[steward.Topic]string{}
		}
		l.w.TopicNames[topic] = name
	}
	for _, topic := range steward.Topics() {
		name := strings.ToLower(l.w.TopicName(topic))
		if other, twice := taken[name]; twice {
			l.wrong(k.Topics[0].Key, fmt.Sprintf("readers could not tell %s mail from %s mail: both are called %q", other, topic, l.w.TopicName(topic)), "give them different names")
		}
		taken[name] = topic
	}
	l.w.MailFooter = strings.TrimSpace(k.Footer.Value)
	if len([]rune(l.w.MailFooter)) > mostFooter {
		l.wrong(k.Footer, fmt.Sprintf("the small print is longer than %d characters", mostFooter), "keep to the company's name and address; the letter itself is the message file's")
	}
}

func topicNames() []string {
	var out []string
	for _, t := range steward.Topics() {
		out = append(out, string(t))
	}
	return out
}

func nearest(name string, candidates []string, otherwise string) string {
	if n := steward.Nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return otherwise
}

// TopicName is what readers call a kind of mail.
func (w *Workspace) TopicName(t steward.Topic) string {
	if n, ok := w.TopicNames[t]; ok {
		return n
	}
	return t.Name()
}
