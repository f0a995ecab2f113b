package detect

import "testing"

// BenchmarkAssess judges the laptop with most to say about it, before and after.
func BenchmarkAssess(b *testing.B) {
	d := New(rules(b), Options{})
	dev := rmmFarmLaptop()
	before, err := d.Assess(dev, nil, personaNow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Assess(dev, before, personaNow); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAssessOrdinary judges the laptop that fleets are made of.
func BenchmarkAssessOrdinary(b *testing.B) {
	d := New(rules(b), Options{})
	dev := officeWorker()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Assess(dev, nil, personaNow); err != nil {
			b.Fatal(err)
		}
	}
}
