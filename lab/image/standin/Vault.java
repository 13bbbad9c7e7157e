package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.CONF;
import static org.wso2.carbon.bootstrap.Bootstrap.HOME;
import static org.wso2.carbon.bootstrap.Bootstrap.takes;

import java.io.*;
import java.nio.file.*;
import java.util.*;

/** Secure vault: wants the keystore's password at each start. Its cipher is Base64, to be easy on tests. */
final class Vault {
    private static boolean enabled;
    private static String password;

    /** A wrong password is the first thing that the log of a start says; a missing one is found out by the databases. */
    static void open() throws IOException {
        enabled = !property("secret-conf.properties", "carbon.secretProvider").isEmpty();
        if (!enabled) return;
        Xml keystore = Xml.read("carbon.xml").all("Security/KeyStore").get(0);
        password = keystorePassword();
        if (password == null || keystore.text("Password").equals(password)) return;
        String message = "IOError loading keyStore from '" + keystore.text("Location") + "'";
        for (int i = 0; i < 9; i++) {
            Log.error("org.wso2.securevault.keystore.JKSKeyStoreLoader", message,
                new IOException("Keystore was tampered with, or password was incorrect"));
        }
        throw new Bootstrap.Hung();
    }

    /** `password` is renamed to password-tmp, `password-tmp` is deleted, `password-persist` is kept. */
    private static String keystorePassword() throws IOException {
        for (String name : List.of("password", "password-tmp", "password-persist")) {
            Path file = HOME.resolve(name);
            if (Files.exists(file)) {
                String text = Files.readAllLines(file).get(0);
                if (name.equals("password")) {
                    Files.move(file, HOME.resolve("password-tmp"), StandardCopyOption.REPLACE_EXISTING);
                } else if (name.equals("password-tmp")) {
                    Files.delete(file);
                }
                return text;
            }
        }
        return null;
    }

    /** Nobody gave a password: nothing can be deciphered. */
    static boolean isClosed() {
        if (!enabled || password != null) return false;
        Log.write(" WARN", "org.wso2.securevault.secret.handler.SecretManagerSecretCallbackHandler",
            "SecretManager has not been initialized.Cannot collect secrets.");
        takes(0.7);
        return true;
    }

    /** The text of a child element, or what the vault holds for its svns:secretAlias. */
    static String resolve(Xml parent, String child) throws IOException {
        String alias = parent.text(child + "/@*[name()='svns:secretAlias']");
        return !enabled || alias.isEmpty() ? parent.text(child)
            : new String(Base64.getDecoder().decode(property("cipher-text.properties", alias)));
    }

    private static String property(String file, String name) throws IOException {
        Path path = CONF.resolve("security").resolve(file);
        Properties properties = new Properties();
        properties.load(new StringReader(Files.exists(path) ? Files.readString(path) : ""));
        return properties.getProperty(name, "");
    }

    private Vault() { }
}
