package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// analyst asks the collector as any analyst would: through its API, with a token.
type analyst struct {
	conn  *grpc.ClientConn
	fleet fleetv1.FleetServiceClient
	token string
}

func newAnalyst(address string, roots *x509.CertPool, token string) (*analyst, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: loopback,
	})), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0))
	if err != nil {
		return nil, fmt.Errorf("connect to the collector: %w", err)
	}
	return &analyst{conn, fleetv1.NewFleetServiceClient(conn), token}, nil
}

func (a *analyst) close() error { return a.conn.Close() }

func (a *analyst) with(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+a.token)
}

func (a *analyst) alerts(ctx context.Context) ([]*fleetv1.Alert, error) {
	got, err := a.fleet.ListAlerts(a.with(ctx), &fleetv1.ListAlertsRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask for alerts: %w", err)
	}
	return got.GetAlerts(), nil
}

func (a *analyst) devices(ctx context.Context) (all []*fleetv1.DeviceSummary, err error) {
	for page := ""; ; {
		got, err := a.fleet.ListDevices(a.with(ctx), &fleetv1.ListDevicesRequest{PageToken: page})
		if err != nil {
			return nil, fmt.Errorf("ask for devices: %w", err)
		}
		all = append(all, got.GetDevices()...)
		if page = got.GetNextPageToken(); page == "" {
			return all, nil
		}
	}
}

func (a *analyst) device(ctx context.Context, id string) (*fleetv1.GetDeviceResponse, error) {
	got, err := a.fleet.GetDevice(a.with(ctx), &fleetv1.GetDeviceRequest{Device: id})
	if err != nil {
		return nil, fmt.Errorf("ask for device %s: %w", id, err)
	}
	return got, nil
}

// awaitReport waits until the collector has a report of the device.
func (a *analyst) awaitReport(ctx context.Context, id string, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, err := a.fleet.GetDevice(a.with(ctx), &fleetv1.GetDeviceRequest{Device: id})
		if status.Code(err) != codes.NotFound {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("this computer's first report did not arrive: %w", ctx.Err())
		}
	}
}
