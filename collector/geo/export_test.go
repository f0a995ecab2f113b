package geo

import (
	"context"
	"log/slog"
	"time"
)

// OpenEvery is Open with another pause between looks and another clock.
func OpenEvery(ctx context.Context, paths []string, every time.Duration, now func() time.Time, log *slog.Logger) (*Database, error) {
	return open(ctx, paths, every, now, log)
}

// Parse opens a database's content without a file.
func Parse(ctx context.Context, content []byte) (*Database, error) {
	reader, err := parse(ctx, content)
	if err != nil {
		return nil, err
	}
	f := &file{path: "test", now: time.Now, log: slog.New(slog.DiscardHandler)}
	f.current.Store(&version{reader: reader})
	return &Database{files: []*file{f}}, nil
}
