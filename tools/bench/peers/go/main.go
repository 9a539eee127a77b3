// The peer in Go: a program for each request, by net/http and os/exec.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// flushWriter sends each piece of output as it comes.
type flushWriter struct{ http.ResponseWriter }

func (w flushWriter) Write(data []byte) (int, error) {
	n, err := w.ResponseWriter.Write(data)
	w.ResponseWriter.(http.Flusher).Flush()
	return n, err
}

// program answers with what a program says. It is killed when the client goes away.
func program(name string, args ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		cmd := exec.CommandContext(r.Context(), name, args...)
		stderr, _ := cmd.StderrPipe()
		stdout, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		complained := make(chan struct{})
		go func() {
			io.Copy(os.Stderr, stderr)
			close(complained)
		}()
		sent, copyErr := io.Copy(flushWriter{w}, stdout)
		if copyErr != nil {
			cmd.Process.Kill()
		}
		<-complained
		err := cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil && copyErr == nil:
		case sent > 0 || copyErr != nil:
			panic(http.ErrAbortHandler) // cut off, so that it does not look complete
		case errors.As(err, &exit) && exit.Exited():
			http.Error(w, fmt.Sprintf("exit %d", exit.ExitCode()), http.StatusInternalServerError)
		default:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// ballast is memory that the server holds.
var ballast []byte

func holdBallast() error {
	text := os.Getenv("BENCH_BALLAST_MB")
	if text == "" {
		return nil
	}
	megabytes, err := strconv.ParseUint(text, 10, 20)
	if err != nil {
		return fmt.Errorf("BENCH_BALLAST_MB: %w", err)
	}
	ballast = make([]byte, megabytes<<20)
	for i := range ballast {
		ballast[i] = 1 // touched, or it would be no memory
	}
	return nil
}

func main() {
	if err := holdBallast(); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/echo", program("echo", "hi"))
	http.HandleFunc("/cat", program("cat", os.Getenv("BENCH_FILE")))
	http.HandleFunc("/large", program("cat", os.Getenv("BENCH_LARGE")))
	http.HandleFunc("/fail", program("false"))
	http.HandleFunc("/sleep", program("sleep", "0.02"))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	<-ctx.Done() // and with it each request's context: the programs are killed
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	server.Shutdown(grace)
}
