package ioreg

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	const text = `+-o Root  <class IORegistryEntry, id 0x100000100, retain 60>
  | {
  |   "Built-In" = Yes
  |   "Number" = 12
  |   "Data" = <0aff>
  |   "Product" = "A keyboard"
  |   "Nested" = {"One"=1,"Two"="second","Three"={}}
  | }
  |
  +-o Child  <class Old>
      "Built-In" = No
`
	objects := Parse(text)
	if len(objects) != 2 {
		t.Fatalf("%+v", objects)
	}
	root, child := objects[0], objects[1]
	if root.Class != "IORegistryEntry" || root.ID != "0x100000100" || root.Depth != 0 || child.Class != "Old" || child.ID != "" || child.Depth != 2 {
		t.Errorf("%+v", objects)
	}
	if yes := root.Yes("Built-In"); yes == nil || !*yes {
		t.Error("Yes is not yes")
	}
	if no := child.Yes("Built-In"); no == nil || *no || child.Yes("Number") != nil {
		t.Error("No is not no")
	}
	if root.Number("Missing", "Number") != 12 || string(root.Data("Data")) != "\x0a\xff" || root.Text("Product") != "A keyboard" {
		t.Errorf("%+v", root)
	}
	nested := root.Properties["Nested"]
	if Field(nested, "One") != "1" || Field(nested, "Two") != "second" || Field(nested, "Four") != "" {
		t.Errorf("%q", nested)
	}
}
