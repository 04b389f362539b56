package strictyaml

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestDurationPattern holds the schema's pattern to the parser: both take the
// same texts, but for those that are longer than the parser allows.
func TestDurationPattern(t *testing.T) {
	pattern := regexp.MustCompile(durationPattern())
	piece := rapid.SampledFrom([]string{"0", "1", "12", "007", "w", "d", "h", "m", "s", " ", "-", ".", "x", "W", "mo"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 7).Draw(t, "text"), "")
		_, err := ParseDuration(text)
		if err != nil && strings.Contains(err.Error(), "longer than") {
			return
		}
		if (err == nil) != pattern.MatchString(text) {
			t.Fatalf("%q: the parser says %v, the pattern %t", text, err, pattern.MatchString(text))
		}
	})
}

// opaque decodes itself and does not say how.
type opaque struct{}

func (*opaque) DecodeYAML(*Decoder, *Node) {}

type inner struct {
	Pos  Pos    `yaml:",pos"`
	Name Scalar `yaml:"name,required" doc:"A name." pattern:"^[a-z]+$" want:"use lower-case letters"`
}

type extra struct {
	Kind Scalar `yaml:"kind" doc:"Its kind." enum:"one|two" examples:"one;two"`
}

func TestSchemaOfADeclaration(t *testing.T) {
	schema, gaps := SchemaOf(struct {
		List  []inner         `yaml:"list" doc:"A list."`
		When  Text            `yaml:"when" doc:"A condition, such as a > 1."`
		Roles OneOrMore       `yaml:"roles" doc:"Roles."`
		Kinds Entries[Scalar] `yaml:"kinds" doc:"Kinds by name." values:"a|b"`
		Most  int             `yaml:"most" doc:"How many." least:"1"`
		On    *bool           `yaml:"on"`
		Odd   opaque          `yaml:"odd" doc:"Odd."`
		extra `yaml:",inline"`
		Left  string `yaml:"-"`
	}{}, "Thing", "A thing.")
	if diff := cmp.Diff([]string{"Thing: the key on has no doc tag", "Thing.odd: the type strictyaml.opaque does not say what it reads: give it ShapeYAML"}, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	const any = `"type":["string","number","boolean"`
	want := `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Thing","description":"A thing.","type":["object","null"],"properties":{` +
		`"list":{"description":"A list.","type":["array","null"],"items":{"type":"object","properties":{"name":{"description":"A name.","type":"string","pattern":"^[a-z]+$","patternErrorMessage":"use lower-case letters"}},"required":["name"],"additionalProperties":false}},` +
		`"when":{"description":"A condition, such as a > 1.",` + any + `]},` +
		`"roles":{"description":"Roles.",` + any + `,"array"],"items":{` + any + `]}},` +
		`"kinds":{"description":"Kinds by name.","type":["object","null"],"additionalProperties":{"type":"string","enum":["a","b"]}},` +
		`"most":{"description":"How many.","type":"integer","minimum":1},` +
		`"on":{"type":"boolean"},` +
		`"odd":{"description":"Odd."},` +
		`"kind":{"description":"Its kind.","type":"string","enum":["one","two"],"examples":["one","two"]}},` +
		`"additionalProperties":false}`
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.TrimSpace(b.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
