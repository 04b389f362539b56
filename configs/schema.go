package configs

import "steward/configs/strictyaml"

// WorkspaceSchema describes steward.yaml for editors, from the declarations
// that read it; gaps are keys without a description.
func WorkspaceSchema() (schema *strictyaml.Schema, gaps []string) {
	return strictyaml.SchemaOf(workspaceFile{}, "Steward workspace", "steward.yaml: what Steward reads, whom it tells, and how far its words go.")
}

// OwnersSchema describes owners.yaml.
func OwnersSchema() (schema *strictyaml.Schema, gaps []string) {
	return strictyaml.SchemaOf([]ownerBlock{}, "Steward owners", "owners.yaml: who looks after accounts.")
}

// ShapeYAML says which three forms DecodeYAML reads.
func (deliveryValue) ShapeYAML(s *strictyaml.Shaper) *strictyaml.Schema {
	return &strictyaml.Schema{AnyOf: []*strictyaml.Schema{
		{Type: strictyaml.ValueTypes{"string"}, Enum: []string{"preview", "live"}},
		{Type: strictyaml.ValueTypes{"string"}, Pattern: "^redirect:"},
		s.Shape(redirectBlock{}),
	}}
}

// ShapeYAML says that the names stand in one block, or in one for each kind of
// file.
func (byKind) ShapeYAML(*strictyaml.Shaper) *strictyaml.Schema {
	name := strictyaml.SingleValue()
	name.Type = append(name.Type, "object")
	name.More = strictyaml.SingleValue()
	return &strictyaml.Schema{Type: strictyaml.ValueTypes{"object", "null"}, More: name}
}

// ShapeYAML says that a milestone is its time, or a block with more.
func (milestoneValue) ShapeYAML(s *strictyaml.Shaper) *strictyaml.Schema {
	out, within := s.Shape(milestoneBlock{}), s.Shape(strictyaml.Duration(0))
	out.Type = append(out.Type, within.Type...)
	out.Pattern, out.PatternMessage, out.Minimum, out.Maximum = within.Pattern, within.PatternMessage, within.Minimum, within.Maximum
	return out
}
