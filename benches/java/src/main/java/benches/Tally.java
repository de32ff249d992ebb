package benches;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;

/** The tally of a side's function, and the times of the first and the last record. */
final class Tally {
    /** Linux counts processor time for programs in hundredths of a second. */
    private static final double TICKS_PER_SECOND = 100;

    private final long expected;
    private final Set<Long> marks;
    private final boolean saysFirst;
    private final ConcurrentHistogram latencies = new ConcurrentHistogram(600_000_000L, 3);
    private final AtomicLong records = new AtomicLong();
    private final AtomicLong sum = new AtomicLong();
    private final AtomicLong waited = new AtomicLong();
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch complete = new CountDownLatch(1);
    private volatile Mark first;
    private volatile Mark last;

    private record Mark(long nanos, long unixMillis, double cpu) {
        static Mark now() {
            return new Mark(System.nanoTime(), System.currentTimeMillis(), cpuSeconds());
        }
    }

    Tally(long expected, Set<Long> marks, boolean saysFirst) {
        this.expected = expected;
        this.saysFirst = saysFirst;
        this.marks = marks;
    }

    /** A record is about to be worked on. */
    void begin() {
        if (!begun.get() && begun.compareAndSet(false, true)) {
            if (saysFirst) {
                sayReady();
            }
            first = Mark.now();
        }
    }

    /** A record waited this long. */
    void waited(long nanos) {
        waited.addAndGet(nanos);
    }

    /** A record was worked on, and adds this to the sum. */
    void count(long value) {
        add(value);
    }

    /** A record that says when it was sent (0: it is not timed) was worked on. */
    void timed(long sentMicros, long value) {
        if (sentMicros > 0) {
            long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
            latencies.recordValue(Math.min(Math.max(now - sentMicros, 0), 600_000_000L));
        }
        if (marks.contains(add(value))) {
            sayReady();
        }
    }

    /** No more records come. */
    void end() {
        last = Mark.now();
        complete.countDown();
    }

    private static void sayReady() {
        System.out.println("ready");
        System.out.flush();
    }

    private long add(long value) {
        sum.addAndGet(value);
        long count = records.incrementAndGet();
        if (count == 1) {
            begin();
        }
        if (count == expected) {
            last = Mark.now();
            complete.countDown();
        }
        return count;
    }

    /** Waits until all records came by. */
    void await() throws InterruptedException {
        complete.await();
    }

    /** Waits so long for it at most, and tells whether all came by. */
    boolean await(Duration most) throws InterruptedException {
        return complete.await(most.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The outcome of the run, as JSON. */
    String outcome() throws IOException {
        return String.format(
                Locale.ROOT,
                "{\"records\":%d,\"sum\":%d,\"seconds\":%f,\"cpu_seconds\":%f,\"peak_memory_bytes\":%d,"
                        + "\"first_unix_ms\":%d,\"service_us\":%f,\"latency\":%s}",
                records.get(),
                sum.get(),
                (last.nanos - first.nanos) / 1e9,
                last.cpu - first.cpu,
                peakMemory(),
                first.unixMillis,
                waited.get() / 1e3 / records.get(),
                latency());
    }

    private String latency() {
        if (latencies.getTotalCount() == 0) {
            return "null";
        }
        return String.format(
                Locale.ROOT,
                "{\"records\":%d,\"p50_us\":%d,\"p99_us\":%d,\"max_us\":%d}",
                latencies.getTotalCount(),
                latencies.getValueAtPercentile(50),
                latencies.getValueAtPercentile(99),
                latencies.getMaxValue());
    }

    private static double cpuSeconds() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private static long peakMemory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1_024;
            }
        }
        throw new IOException("/proc/self/status does not say VmHWM");
    }
}
