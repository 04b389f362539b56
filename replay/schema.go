package replay

import "steward/configs/strictyaml"

// TestSchema describes a playbook test for editors, from the declarations that
// read it; gaps are keys without a description.
func TestSchema() (schema *strictyaml.Schema, gaps []string) {
	return strictyaml.SchemaOf(scenarioFile{}, "Steward playbook test", "tests/*.test.yaml: a small world and what is expected of a playbook in it.")
}
