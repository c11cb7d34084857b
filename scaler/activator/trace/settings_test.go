package trace

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func from(vars ...string) func(string) string {
	return func(name string) string {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestTracingIsOff(t *testing.T) {
	for _, vars := range [][]string{
		{},
		{"OTEL_EXPORTER_OTLP_HEADERS=a=b", "OTEL_TRACES_SAMPLER=always_on"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_SDK_DISABLED=true"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_TRACES_SAMPLER=always_off"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"},
	} {
		if s, err := readSettings(from(vars...)); s != nil || err != nil {
			t.Errorf("%q: %+v, %v; want nothing", vars, s, err)
		}
	}
}

func TestSettings(t *testing.T) {
	type want struct {
		Endpoint string
		Header   http.Header
		Timeout  time.Duration
		Gzip     bool
		Sampler  sampler
	}
	all := sampler{follow: true, below: 1 << 63}
	for _, c := range []struct {
		vars []string
		want want
	}{
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"},
			want{"http://c:4318/v1/traces", http.Header{}, 10 * time.Second, false, all}},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/otlp/", "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.5"},
			want{"https://c/otlp/v1/traces", http.Header{}, 10 * time.Second, false, sampler{follow: true, below: 1 << 62}}},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t/x", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_EXPORTER_OTLP_HEADERS=key=a%20b, x-team=1,",
			"OTEL_EXPORTER_OTLP_TIMEOUT=2500", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_TRACES_SAMPLER=always_on"},
			want{"http://t/x", http.Header{"Key": {"a b"}, "X-Team": {"1"}}, 2500 * time.Millisecond, true, sampler{below: 1 << 63}}},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t", "OTEL_EXPORTER_OTLP_HEADERS=a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=b=2", "OTEL_TRACES_SAMPLER=parentbased_always_off"},
			want{"http://t", http.Header{"B": {"2"}}, 10 * time.Second, false, sampler{follow: true}}},
	} {
		s, err := readSettings(from(c.vars...))
		if err != nil {
			t.Errorf("%q: %v", c.vars, err)
			continue
		}
		got := want{s.endpoint.String(), s.header, s.timeout, s.gzip, s.sampler}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(sampler{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.vars, diff)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("secret-ish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ variable, wrong string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=grpc://secret@c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{"OTEL_EXPORTER_OTLP_HEADERS=authorization secret", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_EXPORTER_OTLP_HEADERS=a=%zz-secret", "OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT=10s", "OTEL_EXPORTER_OTLP_TIMEOUT"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_PROTOCOL"},
		{"OTEL_EXPORTER_OTLP_COMPRESSION=zstd", "OTEL_EXPORTER_OTLP_COMPRESSION"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE=" + empty, "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE=" + empty + ".not", "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{"OTEL_TRACES_SAMPLER=jaeger_remote", "OTEL_TRACES_SAMPLER"},
	} {
		_, err := readSettings(from(c.variable, "OTEL_EXPORTER_OTLP_ENDPOINT=http://c"))
		if err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.variable, err)
		}
	}
	for _, share := range []string{"2", "-1", "NaN", "half"} {
		if _, err := newSampler("traceidratio", share); err == nil {
			t.Errorf("a share of %s was taken", share)
		}
	}
}
