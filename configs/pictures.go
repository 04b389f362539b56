package configs

import "steward/configs/strictyaml"

// picturesKey is how the metrics behind findings are shown in Slack.
type picturesKey struct {
	Pictures strictyaml.Scalar `yaml:"pictures" doc:"How a card shows the metric behind a finding: chart is Slack's own, image an uploaded one, text a line of text; auto is the first of them that the workspace takes. Default auto." enum:"auto|chart|image|text"`
}

func (l *loader) pictures(k picturesKey) {
	if l.w.Slack.Pictures = l.oneOf(k.Pictures, "pictures", "auto", "chart", "image", "text"); l.w.Slack.Pictures == "" {
		l.w.Slack.Pictures = "auto"
	}
}
