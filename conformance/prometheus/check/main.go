// Reads a Prometheus text exposition and says as JSON what Prometheus' own parser and linter think of it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

type verdict struct {
	Families map[string]string `json:"families"`
	Series   int               `json:"series"`
	Errors   []string          `json:"errors"`
	Lint     map[string]int    `json:"lint"`
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	out := verdict{Families: map[string]string{}, Errors: []string{}, Lint: map[string]int{}}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		out.Errors = append(out.Errors, err.Error())
	}
	for name, family := range families {
		out.Families[name] = family.GetType().String()
		seen := map[string]bool{}
		for _, metric := range family.GetMetric() {
			out.Series++
			key := labels(metric)
			if seen[key] {
				out.Errors = append(out.Errors, fmt.Sprintf("%s: duplicate series %s", name, key))
			}
			seen[key] = true
			out.Errors = append(out.Errors, buckets(name, metric)...)
		}
	}
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		out.Errors = append(out.Errors, "promlint: "+err.Error())
	}
	for _, problem := range problems {
		out.Lint[problem.Text]++
	}
	sort.Strings(out.Errors)
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

func labels(metric *dto.Metric) string {
	pairs := []string{}
	for _, label := range metric.GetLabel() {
		pairs = append(pairs, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
	}
	sort.Strings(pairs)
	return fmt.Sprint(pairs)
}

func buckets(name string, metric *dto.Metric) []string {
	histogram := metric.GetHistogram()
	if histogram == nil {
		return nil
	}
	errors := []string{}
	below := uint64(0)
	for _, bucket := range histogram.GetBucket() {
		if bucket.GetCumulativeCount() < below {
			errors = append(errors, fmt.Sprintf("%s: bucket %v has fewer samples than the one below", name, bucket.GetUpperBound()))
		}
		below = bucket.GetCumulativeCount()
	}
	if below != histogram.GetSampleCount() {
		errors = append(errors, fmt.Sprintf("%s: the last bucket has %d of %d samples", name, below, histogram.GetSampleCount()))
	}
	return errors
}
