package steward

// A Topic is a kind of mail that a reader can want or not: a playbook's purpose.
type Topic string

// The topics, in the order in which readers see them.
const (
	TopicCare       Topic = "care"
	TopicRisk       Topic = "risk"
	TopicReport     Topic = "report"
	TopicCommercial Topic = "commercial"
)

// Topics is all of them.
func Topics() []Topic { return []Topic{TopicCare, TopicRisk, TopicReport, TopicCommercial} }

// Name is what readers call the topic where the workspace has no name for it.
func (t Topic) Name() string {
	switch t {
	case TopicCare:
		return "Help and advice"
	case TopicRisk:
		return "Checking in when something changes"
	case TopicReport:
		return "Reports"
	case TopicCommercial:
		return "Contracts and offers"
	}
	return string(t)
}

// OptOuts is who wants no mail, and why: of a topic, or at all. It follows the
// address, whoever has it: other contacts, other accounts, what is imported
// later. Addresses are in lower case; a+b@c and a@c are two.
type OptOuts map[string]string

// Add notes that an address wants no mail of a topic; of none at all where the
// topic is "".
func (o OptOuts) Add(address string, topic Topic, why string) { o[optOutKey(address, topic)] = why }

// Why tells whether an address may not have mail of a topic, and the reason.
func (o OptOuts) Why(address string, topic Topic) (why string, out bool) {
	if why, out = o[address]; out || topic == "" {
		return why, out
	}
	if how, out := o[optOutKey(address, topic)]; out {
		return TopicWhy(topic, how), true
	}
	return "", false
}

// TopicWhy is how an opt-out from one topic reads where the reason is shown.
func TopicWhy(topic Topic, how string) string { return "for " + string(topic) + " mail, by " + how }

// optOutKey is an address with a topic; no address holds a NUL.
func optOutKey(address string, topic Topic) string {
	if topic == "" {
		return address
	}
	return address + "\x00" + string(topic)
}
