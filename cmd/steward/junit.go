package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"steward/replay"
)

// JUnit's form of test results, as CI systems read it: a suite for each test
// file, a case for each expectation.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	File      string        `xml:"file,attr"`
	Line      int           `xml:"line,attr,omitempty"`
	Time      string        `xml:"time,attr"`
	Failure   *junitOutcome `xml:"failure"`
	Error     *junitOutcome `xml:"error"`
}

type junitOutcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

// writeJUnit writes results to a file.
func writeJUnit(path string, results []testResult, now time.Time) error {
	text, err := xml.MarshalIndent(junitOf(results, now), "", "  ")
	if err != nil {
		return fmt.Errorf("put the results into JUnit's form: %w", err)
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return fmt.Errorf("write the results as JUnit: %w", err)
	}
	return nil
}

func junitOf(results []testResult, now time.Time) junitSuites {
	all := junitSuites{Name: "steward test"}
	took := time.Duration(0)
	for _, r := range results {
		s := junitSuite{Name: r.File, Time: junitTime(r.took), Timestamp: now.UTC().Format("2006-01-02T15:04:05")}
		for _, c := range r.Cases {
			jc := junitCase{Name: c.Name, ClassName: r.Playbook, File: r.File, Line: c.Line, Time: junitTime(0)}
			if len(c.Failures) > 0 {
				jc.Failure = junitFailure(c.Failures)
				s.Failures++
			}
			s.Cases = append(s.Cases, jc)
		}
		if r.Error != "" {
			s.Cases = append(s.Cases, junitCase{Name: "lived to its end", ClassName: r.Playbook, File: r.File, Time: junitTime(0),
				Error: &junitOutcome{Message: xmlText(firstLine(r.Error)), Type: "error", Text: xmlText(r.Error)}})
			s.Errors++
		}
		s.Tests = len(s.Cases)
		all.Tests, all.Failures, all.Errors, took = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, took+r.took
		all.Suites = append(all.Suites, s)
	}
	all.Time = junitTime(took)
	return all
}

func junitFailure(failures []replay.Failure) *junitOutcome {
	var said, whole []string
	for _, f := range failures {
		said = append(said, fmt.Sprintf("%s: expected %s, got %s", f.What, f.Want, f.Got))
		whole = append(whole, f.String())
	}
	return &junitOutcome{Message: xmlText(strings.Join(said, "; ")), Type: failures[0].What, Text: xmlText("\n" + strings.Join(whole, "\n") + "\n")}
}

// xmlText is text without the characters that no XML may hold, not even escaped:
// what a message says may come from a CRM.
func xmlText(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD && r != utf8.RuneError || r > 0xFFFF {
			return r
		}
		return '?'
	}, text)
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
