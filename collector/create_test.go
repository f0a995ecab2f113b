package collector

import (
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

func TestSecretsAndTokensAreMeant(t *testing.T) {
	t.Parallel()
	kept, err := OpenStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	token := func(name string, life time.Duration) error {
		_, _, err := NewToken(t.Context(), kept, name, "viewer", life)
		return err
	}
	secret := func(note string, life time.Duration) error {
		_, _, err := NewSecret(t.Context(), kept, note, 0, life)
		return err
	}
	tests := []struct {
		name string
		err  error
		says string
	}{
		{"a token of nobody", token("", time.Hour), "needs the name"},
		{"a name of two lines", token("a\nb", time.Hour), "do not print"},
		{"a name without end", token(strings.Repeat("x", maxWords+1), time.Hour), "at most 256"},
		{"a token of the past", token("ann", -time.Hour), "expired already"},
		{"a secret of the past", secret("", -time.Hour), "expired already"},
		{"a note that steers terminals", secret("\x1b[2J", time.Hour), "do not print"},
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.says) {
			t.Errorf("%s: error %v, want %q", tt.name, tt.err, tt.says)
		}
	}
	if err := token("ann", 0); err != nil {
		t.Error(err)
	}
	tokens, err := kept.Tokens(t.Context())
	if err != nil || len(tokens) != 1 || !tokens[0].ExpiresAt.IsZero() {
		t.Errorf("tokens %v, error %v; want one that never expires", tokens, err)
	}
	if secrets, err := kept.Secrets(t.Context()); err != nil || len(secrets) != 0 {
		t.Errorf("secrets %v, error %v; want none", secrets, err)
	}
	entries, err := kept.AuditLog(t.Context(), time.Time{}, 10)
	if err != nil || len(entries) != 1 || entries[0] != (store.AuditEntry{At: entries[0].At, Actor: "command line", Action: "token.create", Object: tokens[0].ID, Detail: "ann as viewer"}) {
		t.Errorf("audit %v, error %v", entries, err)
	}
}
