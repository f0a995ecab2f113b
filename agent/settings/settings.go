// Package settings is where an agent's settings come from: flags, environment,
// the company's policy and a file, in that order, become one struct.
//
// Whatever is wrong is said with its place (file, line and column, or the name of
// the flag or variable), all of it at once, and nothing is guessed.
// It may import nothing of this module.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bounds that the contract promises for the intervals.
const (
	MinScanInterval   = 5 * time.Second
	MaxScanInterval   = time.Hour
	MinWindowInterval = time.Minute
	MaxWindowInterval = time.Hour
)

// Settings is everything that can be set on an agent.
type Settings struct {
	// Collector is the collector's address, host:port. Empty means that nothing
	// is delivered.
	Collector string
	// CAFile is a PEM file with the certificates that may have signed the
	// collector's.
	CAFile string
	// CAPin is the SHA-256 of the collector's CA certificate (DER), hexadecimal.
	CAPin string
	// EnrollSecret and EnrollSecretFile are the enrolment secret or where it lies.
	EnrollSecret     Secret
	EnrollSecretFile string
	// Proxies are the ways to the collector in the order in which they are tried:
	// "system", "direct", http://host:port or https://host:port. Logins are not in it.
	Proxies []string
	// ProxyLogin and ProxyLoginFile are user:password for those proxies, or where it
	// lies.
	ProxyLogin     Secret
	ProxyLoginFile string
	// StateDir holds key, certificate and spool.
	StateDir string
	// ScanInterval is the pause between observations, WindowInterval the length
	// of a window. A policy from the collector goes before both.
	ScanInterval   time.Duration
	WindowInterval time.Duration
	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
}

// Defaults returns the settings of an agent that nobody configured.
func Defaults() Settings {
	return Settings{
		Proxies:        []string{"system", "direct"},
		StateDir:       DefaultStateDir(),
		ScanInterval:   15 * time.Second,
		WindowInterval: 5 * time.Minute,
		LogLevel:       slog.LevelInfo,
	}
}

// Setting describes one setting for help and documentation.
type Setting struct {
	// Key is its name in the file; FARMHOUND_ and the key in capitals is its
	// variable, with dashes its flag.
	Key string
	// Default is what holds when nobody sets it.
	Default string
	// Help says what it is.
	Help string

	set func(*Settings, string) error
}

// Variable returns the setting's environment variable.
func (s *Setting) Variable() string { return prefix + strings.ToUpper(s.Key) }

// Flag returns the setting's flag, without dashes before it.
func (s *Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// All returns every setting, in the order in which they are documented.
func All() []Setting {
	return []Setting{
		{"collector", "", "address of the collector, host:port", setCollector},
		{"ca_file", "", "PEM file with the CA certificate of the collector", setPath(func(s *Settings) *string { return &s.CAFile })},
		{"ca_pin", "", "SHA-256 of the CA certificate of the collector (DER), 64 hexadecimal digits", setPin},
		{"enroll_secret", "", "enrolment secret; better given as a file", setSecret},
		{"enroll_secret_file", "", "file that holds the enrolment secret", setPath(func(s *Settings) *string { return &s.EnrollSecretFile })},
		{"proxy", "system,direct", "ways to the collector, the first that leads there: system (what environment and system say), direct, http://[user:password@]host:port or https://..., separated by commas", setProxies},
		{"proxy_login_file", "", "file that holds user:password for the proxies that proxy names", setPath(func(s *Settings) *string { return &s.ProxyLoginFile })},
		{"state_dir", DefaultStateDir(), "directory for key, certificate and spool", setPath(func(s *Settings) *string { return &s.StateDir })},
		{"scan_interval", "15s", "pause between observations, 5s to 1h", setInterval(MinScanInterval, MaxScanInterval, func(s *Settings) *time.Duration { return &s.ScanInterval })},
		{"window_interval", "5m", "length of a window, 1m to 1h", setInterval(MinWindowInterval, MaxWindowInterval, func(s *Settings) *time.Duration { return &s.WindowInterval })},
		{"log_level", "info", "least severe level that is logged: debug, info, warn or error", setLevel},
	}
}

// Secret is a text that must not be shown. Everything that prints it prints a
// mask instead; Reveal is for the one place that sends it.
type Secret struct{ text string }

// NewSecret returns text as a secret.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String returns a mask, never the text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "(secret)"
}

// GoString returns a mask, never the text.
func (s Secret) GoString() string { return s.String() }

// LogValue returns a mask, never the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns a mask, never the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxSecretFile bounds what is read of a secret's file.
const maxSecretFile = 4096

// SecretToEnroll returns the enrolment secret: as it was set, from the file that
// was named, or from the file that install left in the state directory. It is
// empty when there is none.
func (s *Settings) SecretToEnroll() (Secret, error) {
	if s.EnrollSecret.text != "" {
		return s.EnrollSecret, nil
	}
	path := s.EnrollSecretFile
	if path == "" {
		path = s.InstalledSecretFile()
	}
	secret, err := readSecret(path, "enrolment secret")
	if errors.Is(err, os.ErrNotExist) && s.EnrollSecretFile == "" {
		return Secret{}, nil
	}
	return secret, err
}

func readSecret(path, what string) (Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read %s: %w", what, err)
	}
	defer file.Close()
	data := make([]byte, maxSecretFile+1)
	n, err := readUpTo(file, data)
	if err != nil {
		return Secret{}, fmt.Errorf("read %s from %s: %w", what, path, err)
	}
	text := strings.TrimSpace(string(data[:n]))
	if text == "" || n > maxSecretFile {
		return Secret{}, fmt.Errorf("%s holds no %s: it is empty or longer than %d bytes", path, what, maxSecretFile)
	}
	return Secret{text: text}, nil
}

// InstalledSecretFile is where install leaves a secret for the service; it is
// removed after enrolment.
func (s *Settings) InstalledSecretFile() string {
	return filepath.Join(s.StateDir, "enroll-secret")
}

func setCollector(s *Settings, text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return errors.New(`must be host:port, for example "collector.example.com:8443"`)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Errorf("port %q must be a number from 1 to 65535", port)
	}
	if host == "" {
		return errors.New("has no host before the port")
	}
	s.Collector = text
	return nil
}

func setPin(s *Settings, text string) error {
	pin := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	if len(pin) != 64 || strings.Trim(pin, "0123456789abcdef") != "" {
		return errors.New("must be 64 hexadecimal digits, the SHA-256 of the CA certificate")
	}
	s.CAPin = pin
	return nil
}

func setSecret(s *Settings, text string) error {
	s.EnrollSecret = Secret{text: strings.TrimSpace(text)}
	return nil
}

func setPath(field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		if strings.ContainsRune(text, 0) {
			return errors.New("must be a path")
		}
		*field(s) = filepath.Clean(text)
		return nil
	}
}

func setInterval(low, high time.Duration, field func(*Settings) *time.Duration) func(*Settings, string) error {
	return func(s *Settings, text string) error {
		interval, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf(`must be a duration such as "15s" or "5m", not %q`, text)
		}
		if interval < low || interval > high {
			return fmt.Errorf("is %v, must be from %v to %v", interval, low, high)
		}
		*field(s) = interval
		return nil
	}
}

func setLevel(s *Settings, text string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[strings.ToLower(text)]
	if !ok {
		return fmt.Errorf("is %q, must be debug, info, warn or error", text)
	}
	s.LogLevel = level
	return nil
}
