package benches;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;

/** A flight with all its columns, as a user would decode it. */
public record Flight(
        long year, long month, long day, Long dep_time, long sched_dep_time, Long dep_delay, Long arr_time,
        long sched_arr_time, Long arr_delay, String carrier, long flight, String tailnum, String origin, String dest,
        Long air_time, long distance, long hour, long minute, String time_hour) {
    private static final ObjectReader READER = new ObjectMapper().readerFor(Flight.class);

    /** A flight that says when it was sent; 0 where it is not timed. */
    public record Timed(long sent_us, Flight flight) {
        private static final ObjectReader READER = new ObjectMapper().readerFor(Timed.class);

        static Timed decode(byte[] value) {
            try {
                return READER.readValue(value);
            } catch (IOException error) {
                throw new IllegalArgumentException(error);
            }
        }
    }

    static Flight decode(byte[] value) {
        try {
            return READER.readValue(value);
        } catch (IOException error) {
            throw new IllegalArgumentException(error);
        }
    }

    /** The minutes that it was late, departure and arrival together; none where it was cancelled. */
    long minutes() {
        return (dep_delay == null ? 0 : dep_delay) + (arr_delay == null ? 0 : arr_delay);
    }
}
