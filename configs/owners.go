package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// ownerBlock is one entry of owners.yaml.
type ownerBlock struct {
	ID      strictyaml.Scalar   `yaml:"id,required" doc:"The id that accounts name as their owner."`
	Name    strictyaml.Scalar   `yaml:"name" doc:"Their name, as customers should read it."`
	Email   strictyaml.Scalar   `yaml:"email" doc:"Their mail address; Slack people are found by it too." pattern:"^[^@ ]+@[^@ ]+$" want:"write the bare address, such as dana@example.com"`
	Slack   strictyaml.Scalar   `yaml:"slack" doc:"Their Slack member id, where the address does not find them." pattern:"^[UW][A-Z0-9]{5,20}$" want:"copy it from the person's profile in Slack (U012AB3CD)"`
	Manager strictyaml.Scalar   `yaml:"manager" doc:"The id of whom they report to: escalations go there."`
	Backup  strictyaml.Scalar   `yaml:"backup" doc:"The id of who stands in while they are away."`
	Pool    strictyaml.Scalar   `yaml:"pool" doc:"A channel, where this is not a person but a team that shares its accounts." pattern:"^#[^ #@<>&,]{1,79}$" want:"write it in quotes with #, such as \"#cs-smb\""`
	Within  strictyaml.Scalar   `yaml:"claim_within" doc:"Of a pool: how long a card may lie before its manager, or ops, is told that nobody claimed it. Less than a day counts working hours. Default: for ever." examples:"4h"`
	Title   strictyaml.Scalar   `yaml:"title" doc:"What they are, as their mails are signed, such as Customer Success Manager. Default nothing."`
	Zone    strictyaml.Scalar   `yaml:"zone" doc:"Their time zone. Default the workspace's." examples:"Europe/Madrid"`
	Hours   hoursBlock          `yaml:"working_hours" doc:"When they work, where that is not when the workspace says. Keys that are left out are the workspace's."`
	Away    []strictyaml.Scalar `yaml:"away" doc:"Days on which they are away: a date, or first..last." examples:"2026-08-03..2026-08-21"`
}

var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{5,20}$`)

// owners reads the owners' file. Without one everything goes to the channel for
// accounts that nobody owns.
func (l *loader) owners(b ownersBlock) {
	l.ownersFile = defaultOwners
	if !b.File.Pos.IsZero() {
		name, ok := l.inside(b.File)
		if !ok {
			return
		}
		l.ownersFile = name
	}
	text, err := fs.ReadFile(l.fsys, l.ownersFile)
	if err != nil {
		l.noOwners(b, err)
		return
	}
	l.ownersText = text
	var list []ownerBlock
	l.problems = append(l.problems, strictyaml.Decode(l.ownersFile, text, &list)...)
	lines := map[steward.OwnerID]int{}
	for _, o := range list {
		id := steward.OwnerID(o.ID.Value)
		if id == "" {
			continue
		}
		if line, twice := lines[id]; twice {
			l.ownerWrong(o, o.ID, fmt.Sprintf("the id %q is given twice; the first is on line %d", id, line), "give each owner an id of their own")
			continue
		}
		lines[id] = o.ID.Pos.Line
		l.w.Owners = append(l.w.Owners, l.owner(o))
	}
	for _, o := range list {
		l.colleague(o, o.Manager, "manager")
		l.colleague(o, o.Backup, "backup")
	}
}

func (l *loader) noOwners(b ownersBlock, err error) {
	switch {
	case !b.File.Pos.IsZero():
		l.wrong(b.File, l.ownersFile+": "+reading(err), "write one, with a line such as - {id: dana, name: Dana Reyes, email: dana@example.com}")
	case !errors.Is(err, fs.ErrNotExist):
		l.problems = append(l.problems, steward.Problem{File: l.ownersFile, Message: reading(err), Hint: "make the file readable for Steward"})
	default:
		l.problems = append(l.problems, steward.Problem{File: l.ownersFile, Lint: "no-owners", Message: "there is no such file, so no account has an owner who can be reached",
			Hint: "write one, with a line such as - {id: dana, name: Dana Reyes, email: dana@example.com}"})
	}
}

// ownerWrong tells a mistake in an owner's entry.
func (l *loader) ownerWrong(o ownerBlock, at strictyaml.Scalar, message, hint string) {
	if len(l.problems) < strictyaml.MaxProblems {
		l.problems = append(l.problems, at.Problem(l.ownersFile, "owner "+o.ID.Value, message, hint, l.ownersText))
	}
}

func (l *loader) owner(o ownerBlock) steward.Owner {
	out := steward.Owner{ID: steward.OwnerID(o.ID.Value), Name: strings.TrimSpace(o.Name.Value), Email: o.Email.Value, Slack: o.Slack.Value, Title: strings.Join(strings.Fields(o.Title.Value), " "),
		Manager: steward.OwnerID(o.Manager.Value), Backup: steward.OwnerID(o.Backup.Value), Pool: o.Pool.Value, Zone: l.w.Zone}
	if o.ID.Value != strings.TrimSpace(o.ID.Value) || len(o.ID.Value) > 128 {
		l.ownerWrong(o, o.ID, "the id begins or ends with a space, or is very long", "use the id that accounts name as their owner")
	}
	if o.Email.Value != "" && !isAddress(o.Email.Value) {
		l.ownerWrong(o, o.Email, fmt.Sprintf("%q is not a mail address", o.Email.Value), "write the bare address, such as dana@example.com")
		out.Email = ""
	}
	if o.Slack.Value != "" && !slackUser.MatchString(o.Slack.Value) {
		l.ownerWrong(o, o.Slack, fmt.Sprintf("%q is not a Slack member id", o.Slack.Value), "copy it from the person's profile in Slack (U012AB3CD), or remove it: Steward looks people up by e-mail")
		out.Slack = ""
	}
	switch {
	case o.Pool.Value != "":
		l.pool(o, &out)
	case o.Within.Value != "":
		l.ownerWrong(o, o.Within, "claim_within is for pools, and this is a person", "remove it, or write pool: with the channel that shares the accounts")
	case out.Name == "":
		l.ownerWrong(o, o.ID, "the name is missing", "add name: …, as customers should read it")
	case o.Email.Value == "" && o.Slack.Value == "":
		l.ownerWrong(o, o.ID, "there is no way to reach them", "add email: … or slack: …")
	}
	if o.Zone.Value != "" {
		zone, err := loadZone(o.Zone.Value)
		if err != nil {
			l.ownerWrong(o, o.Zone, err.Error(), zoneHint)
		} else {
			out.Zone = zone
		}
	}
	if !o.Hours.Pos.IsZero() {
		hours := hoursReader{wrong: func(at strictyaml.Scalar, message, hint string) { l.ownerWrong(o, at, message, hint) }, missing: func(p strictyaml.Pos) {
			l.ownerWrong(o, strictyaml.Scalar{Pos: p}, "working_hours does not say from when to when, and the workspace does not either", `add from: "08:30" and to: "17:30"`)
		}}.read(o.Hours.over(l.baseHours))
		out.Hours = &hours
	}
	l.away(o)
	return out
}

func (l *loader) pool(o ownerBlock, out *steward.Owner) {
	if !isChannel(o.Pool.Value) {
		l.ownerWrong(o, o.Pool, fmt.Sprintf("the pool's channel is not one: %q", o.Pool.Value), `write it in quotes with #, such as "#cs-smb"`)
	}
	if o.Within.Value != "" {
		d, err := strictyaml.ParseDuration(o.Within.Value)
		if err != nil || d.Std() < 15*time.Minute || d.Std() > 30*24*time.Hour {
			l.ownerWrong(o, o.Within, fmt.Sprintf("%q is not how long a card may lie, from 15m to 30d", o.Within.Value), "write a whole number and m, h or d, such as 4h")
		}
		out.ClaimWithin = d.Std()
	}
	if len(o.Away) > 0 {
		l.ownerWrong(o, o.Away[0], "a pool is never away", "write away: on the people who share it")
	}
	if out.Name == "" {
		out.Name = o.Pool.Value
		p := o.Pool.Problem(l.ownersFile, "owner "+o.ID.Value, "the pool has no name, so customers would get mail from "+o.Pool.Value, "add name: Customer Success, or what customers call the team", l.ownersText)
		p.Lint = "pool-name"
		l.problems = append(l.problems, p)
	}
}

// colleague checks that a manager or backup is somebody else in the file.
func (l *loader) colleague(o ownerBlock, who strictyaml.Scalar, role string) {
	if who.Value == "" {
		return
	}
	if who.Value == o.ID.Value {
		l.ownerWrong(o, who, "is their own "+role, "name somebody else, or remove it")
		return
	}
	if _, ok := l.w.Owner(steward.OwnerID(who.Value)); !ok {
		l.ownerWrong(o, who, fmt.Sprintf("the %s %q is not in this file", role, who.Value), nearestOwner(who.Value, l.w.Owners))
	}
}

// away reads ranges of days such as 2026-08-03..2026-08-21.
func (l *loader) away(o ownerBlock) {
	for _, v := range o.Away {
		if v.Value == "" {
			continue
		}
		from, to, isRange := strings.Cut(v.Value, "..")
		if !isRange {
			to = from
		}
		first, err1 := steward.ParseDay(strings.TrimSpace(from))
		last, err2 := steward.ParseDay(strings.TrimSpace(to))
		if err1 != nil || err2 != nil || last < first {
			l.ownerWrong(o, v, fmt.Sprintf("%q is not a stretch of days", v.Value), "write first..last, such as 2026-08-03..2026-08-21")
			continue
		}
		if l.w.Absences == nil {
			l.w.Absences = map[steward.OwnerID][]DayRange{}
		}
		id := steward.OwnerID(o.ID.Value)
		l.w.Absences[id] = append(l.w.Absences[id], DayRange{first, last})
	}
}
