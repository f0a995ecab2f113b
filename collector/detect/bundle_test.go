package detect

import (
	"strings"
	"testing"
)

func TestRulesAreNamedByWhatTheySay(t *testing.T) {
	t.Parallel()
	load := func(sources ...Source) *Rules {
		t.Helper()
		r, err := Load(sources...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := load(source(sound))
	elsewhere := source(sound)
	elsewhere.Name = "another/folder"
	for _, tt := range []struct {
		name  string
		rules *Rules
		same  bool
	}{
		{"again", load(source(sound)), true},
		{"in another folder", load(elsewhere), true},
		{"beside an empty folder", load(source(sound), source()), true},
		{"with another weight", load(source(strings.Replace(sound, "db: 20", "db: 19", 1))), false},
		{"beside another signal", load(source(sound), source(strings.Replace(sound, "id: test_signal", "id: other", 1))), false},
	} {
		if got := tt.rules.Digest() == first.Digest(); got != tt.same || len(tt.rules.Digest()) != 64 {
			t.Errorf("%s: digest %s, first %s", tt.name, tt.rules.Digest(), first.Digest())
		}
	}
}

func TestABundleMakesTheSameRules(t *testing.T) {
	t.Parallel()
	r, err := Load(Shipped(), source(sound))
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadBundle(r.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != r.Digest() || len(again.signals) != len(r.signals) {
		t.Errorf("%d signals with digest %s, want %d with %s", len(again.signals), again.Digest(), len(r.signals), r.Digest())
	}
	for _, bad := range []string{"", "{}", `[[{"name":"a.yaml","text":"id: x"}]]`} {
		if _, err := LoadBundle([]byte(bad)); err == nil {
			t.Errorf("%q made rules", bad)
		}
	}
}
