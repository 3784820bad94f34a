/** Runs unit tests. It exports nothing and opens nothing: what it runs cannot reach it. */
module iteratione.unit {
    requires org.junit;
    requires java.datatransfer;
    requires java.desktop;
    requires java.logging;
    requires java.net.http;
    requires java.sql;
    requires java.xml;
}
