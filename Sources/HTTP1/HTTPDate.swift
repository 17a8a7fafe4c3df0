/// IMF-fixdate, the date form of HTTP (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
public enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Parameter seconds: since 1970-01-01 00:00:00 UTC, not before it.
    public static func format(secondsSince1970 seconds: Int) -> String {
        let days = seconds / 86400
        let second = seconds % 86400
        let (year, month, day) = civil(days: days)
        return weekdays[days % 7] + ", " + two(day) + " " + months[month - 1] + " \(year) "
            + two(second / 3600) + ":" + two(second / 60 % 60) + ":" + two(second % 60) + " GMT"
    }

    /// Days since 1970 as a Gregorian date; years are counted from March, so that the leap day comes last.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
